# shellcheck shell=sh
# How this checkout is set up, for scripts/run and scripts/test. Sourced, with $root set; POSIX sh, so dash, macOS's
# sh and bash all do.
#
# Everything lands in $root/.venv except system packages. What it does is said on standard error: standard output
# belongs to the command. Where it cannot go on it says one line and exits 3 (as voicediag does when nothing asked for
# could be done), 130 on Ctrl-C.
#
# State files in .venv, one a purpose ("run", "test"): absent = no set-up of ours; "unfinished" = started and not
# ended, so that nothing in .venv can be trusted; else the key of what was set up: the place of the checkout (a moved
# one has wrong paths in its .venv) and checksums of the files that decide what is installed. The interpreter is
# linked by its versioned name (python3.12), so one that the system replaces is a dangling link. Thus the check starts
# no Python.

venv=${root:?set by the script that sources this}/.venv
lock=$venv/setup.lock

say() { printf 'voicediag set-up: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 3
}
have() { command -v "$1" >/dev/null 2>&1; }

key_now() {
  printf '%s\n' "$root"
  (cd "$root" && cksum pyproject.toml scripts/setup.sh)
}
state_of() { cat "$venv/setup-$1" 2>/dev/null || echo absent; }
# Whole or not at all: a reader never sees half a key.
set_state() { printf '%s\n' "$2" >"$venv/setup-$1.$$" && mv -f "$venv/setup-$1.$$" "$venv/setup-$1"; }
is_ready() { [ -x "$venv/bin/python" ] && [ "$(state_of "$1")" = "$(key_now)" ]; }

# --- one set-up at a time -------------------------------------------------------------------------------------------

older_than_a_minute() { [ -n "$(find "$1" -maxdepth 0 -mmin +1 2>/dev/null)" ]; }
# kill -0 says no for another user's process as well; ps is missing from small images, /proc from macOS.
is_alive() { kill -0 "$1" 2>/dev/null || [ -d "/proc/$1" ] || ps -p "$1" >/dev/null 2>&1; }

lock_is_stale() {
  holder=$(cat "$lock/pid" 2>/dev/null) || holder=
  if [ -n "$holder" ]; then ! is_alive "$holder"; else older_than_a_minute "$lock"; fi
}
# Only one may break a lock, after a second look: else the second breaker would remove the first one's new lock.
break_stale_lock() {
  if mkdir "$lock.breaking" 2>/dev/null; then
    if lock_is_stale; then rm -rf "$lock"; fi
    rmdir "$lock.breaking"
  elif older_than_a_minute "$lock.breaking"; then
    rmdir "$lock.breaking" 2>/dev/null || :
  fi
}

release_lock() {
  trap - EXIT INT TERM HUP
  rm -rf "$lock"
}
take_lock() {
  mkdir -p "$venv" 2>/dev/null || :
  [ -w "$venv" ] || die "cannot write to $venv (owned by another user?)"
  waited=0
  until mkdir "$lock" 2>/dev/null; do
    if lock_is_stale; then
      break_stale_lock
      continue
    fi
    [ "$waited" -ne 0 ] || say "waiting for another set-up of this checkout (process ${holder:-unknown})"
    [ "$waited" -lt 900 ] || die "another set-up still runs after 15 minutes; if none does, remove $lock"
    sleep 1
    waited=$((waited + 1))
  done
  trap 'rm -rf "$lock"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  echo $$ >"$lock/pid"
}

# --- system packages ------------------------------------------------------------------------------------------------

manager=
for known in brew dnf 'apt-get'; do
  if have "$known"; then manager=$known; fi
done

# part: a program, or a name of ours; then the package of apt-get, dnf and brew, "-" where there is none. Debian's
# Python without its venv package cannot make a virtual environment; elsewhere it comes along.
package_table() {
  cat <<'TABLE'
python       python3-venv        python3                  python3
portaudio    libportaudio2       portaudio                portaudio
alsa-pulse   libasound2-plugins  alsa-plugins-pulseaudio  -
pulseaudio   pulseaudio          pulseaudio               -
pactl        pulseaudio-utils    pulseaudio-utils         -
turnserver   coturn              coturn                   coturn
sox          sox                 sox                      sox
espeak-ng    espeak-ng           espeak-ng                espeak-ng
shellcheck   shellcheck          ShellCheck               shellcheck
TABLE
}
packages_for() {
  package_table | while read -r part apt dnf brew; do
    case " $* " in *" $part "*) ;; *) continue ;; esac
    case $manager in apt-get) name=$apt ;; dnf) name=$dnf ;; brew) name=$brew ;; *) name=$part ;; esac
    [ "$name" = - ] || printf '%s ' "$name"
  done
}
# The command for this system, as the person would type it.
install_command() {
  case $manager in
    apt-get | dnf) printf 'sudo %s install %s' "$manager" "$*" ;;
    brew) printf 'brew install %s' "$*" ;;
    *) printf 'install with your package manager: %s' "$*" ;;
  esac
}

has_terminal() { [ -t 2 ] && (: </dev/tty) 2>/dev/null; }
# Root, sudo without a password, or a person who can type one; asked once in a run.
may_install=
get_root() {
  if [ -z "$may_install" ]; then
    may_install=no
    if [ "$manager" = brew ] || [ "$(id -u)" -eq 0 ]; then
      may_install=yes
    elif [ -n "$manager" ] && have sudo; then
      if sudo -n true 2>/dev/null; then
        may_install=yes
      elif has_terminal; then
        say "needs sudo, to install system packages: $*"
        if sudo -v </dev/null; then may_install=yes; fi
      fi
    fi
  fi
  [ "$may_install" = yes ] && [ -n "$manager" ]
}
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

# install_packages PACKAGE…: true when they are installed. Standard input stays the command's.
install_packages() {
  get_root "$@" || return 1
  say "installing system packages: $*"
  case $manager in
    apt-get)
      # A machine that has just been started may be updating itself: wait for its lock. --no-remove: never at the price
      # of something installed (pulseaudio would push PipeWire out).
      as_root apt-get -qq update || :
      as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
        install --yes --no-remove --no-install-recommends "$@"
      ;;
    dnf) as_root dnf --quiet --assumeyes install "$@" ;;
    brew) brew install --quiet "$@" ;;
  esac </dev/null >/dev/null # what goes wrong comes on standard error
}

is_linux() { [ "$(uname -s)" = Linux ]; }
# As ctypes.util.find_library, which the sounddevice package asks; its macOS and Windows wheels bring PortAudio along.
has_portaudio() { ! is_linux || PATH=$PATH:/usr/sbin:/sbin ldconfig -p 2>/dev/null | grep -q 'libportaudio\.so'; }
uses_sound_server() {
  have pulseaudio || have pipewire || have pipewire-pulse || [ -e "${XDG_RUNTIME_DIR:-/nonexistent}/pulse/native" ]
}
has_alsa_bridge() {
  for plugin in /usr/lib*/alsa-lib/libasound_module_pcm_pulse.so /usr/lib*/alsa-lib/libasound_module_pcm_pipewire.so \
    /usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so /usr/lib/*/alsa-lib/libasound_module_pcm_pipewire.so; do
    [ ! -e "$plugin" ] || return 0
  done
  return 1
}
missing_sound_parts() {
  has_portaudio || printf 'portaudio '
  if is_linux && uses_sound_server && ! has_alsa_bridge; then printf 'alsa-pulse '; fi
}

# Sound is no condition for the rest: without it voicediag itself says audio.no-portaudio. .venv/sound-missing
# remembers that it was missing, so that commands that need it look again (and only they).
ensure_sound() {
  # shellcheck disable=SC2046  # words are meant
  set -- $(packages_for $(missing_sound_parts))
  if [ $# -ne 0 ]; then install_packages "$@" || :; fi
  say_what_sound_needs
}
say_what_sound_needs() {
  # shellcheck disable=SC2046
  set -- $(packages_for $(missing_sound_parts))
  if [ $# -eq 0 ]; then
    rm -f "$venv/sound-missing" 2>/dev/null || :
  else
    : 2>/dev/null >"$venv/sound-missing" || :
    say "commands that need sound need a system package; everything else runs without: $(install_command "$@")"
  fi
}

# --- Python and .venv -----------------------------------------------------------------------------------------------

runs_python_311() { "$1" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' </dev/null >/dev/null 2>&1; }
# Sets $python: the versioned name of the interpreter itself, not a shim or another environment's.
find_python() {
  for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if have "$candidate" && runs_python_311 "$candidate"; then
      python=$("$candidate" -I -c '
import os, sys
base = getattr(sys, "_base_executable", None) or sys.executable
versioned = os.path.join(os.path.dirname(base), "python%d.%d" % sys.version_info[:2])
print(versioned if os.access(versioned, os.X_OK) else base)')
      return 0
    fi
  done
  return 1
}
python_version() {
  for candidate in python3 python3.10 python3.9 python; do
    if have "$candidate"; then
      "$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null && return
    fi
  done
  echo none
}
ensure_python() {
  if ! find_python; then
    found=$(python_version)
    [ "$found" = none ] ||
      die "needs Python 3.11 or later (found: $found) as python3 or python3.11 … python3.14 on the PATH"
    # shellcheck disable=SC2046  # words are meant
    set -- $(packages_for python)
    install_packages "$@" && find_python || die "needs Python 3.11 or later; first: $(install_command "$@")"
  fi
}

can_bootstrap_pip() { "$python" -I -c 'import ensurepip, venv' </dev/null >/dev/null 2>&1; }
# A pip outside can install into an environment that has none (pip >= 22.3).
has_outside_pip() { "$python" -I -m pip --python "$python" --version </dev/null >/dev/null 2>&1; }

make_venv() {
  say "making a virtual environment with $python in .venv"
  find "$venv" -mindepth 1 -maxdepth 1 ! -name setup-run ! -name 'setup.lock*' ! -name sound-missing -exec rm -rf {} +
  if can_bootstrap_pip; then
    "$python" -I -m venv "$venv" </dev/null >&2 || die "$python could not make the virtual environment"
  else
    "$python" -I -m venv --without-pip "$venv" </dev/null >&2 || die "$python could not make the virtual environment"
  fi
}
# Debian splits what venv needs into a package of its own, one for each version.
ensure_venv_module() {
  can_bootstrap_pip && return
  if [ "$manager" = apt-get ]; then
    set -- "${python##*/}-venv"
    install_packages "$@" && can_bootstrap_pip && return
  fi
  has_outside_pip && return
  # shellcheck disable=SC2046  # everything missing at once: there may be one person to ask, once
  set -- "$@" $(packages_for $(missing_sound_parts))
  die "$python has neither ensurepip nor pip, so .venv cannot be made; first: $(install_command "$@")"
}

pip_install() {
  if "$venv/bin/python" -I -m pip --version >/dev/null 2>&1; then
    set -- "$venv/bin/python" -I -m pip install "$@"
  else
    set -- "$python" -I -m pip --python "$venv/bin/python" install "$@"
  fi
  # Nothing outside the checkout: no cache in the home folder.
  PIP_USER=0 "$@" --quiet --disable-pip-version-check --no-cache-dir </dev/null >&2
}

venv_is_usable() {
  [ -f "$venv/pyvenv.cfg" ] && runs_python_311 "$venv/bin/python" || return 1
  case $1 in
    unfinished) false ;;
    absent | "$root"*) true ;;
    *) false ;;
  esac
}

# --- what the scripts call ------------------------------------------------------------------------------------------

# set_up_run: after it, .venv/bin/voicediag runs.
set_up_run() {
  take_lock
  if is_ready run; then # by the one we waited for
    release_lock
    return
  fi
  before=$(state_of run)
  say "setting up voicediag in $root"
  ensure_python
  ensure_venv_module
  ensure_sound
  set_state run unfinished
  venv_is_usable "$before" || make_venv
  say "installing voicediag and its libraries into .venv"
  pip_install --editable "$root" || die "pip could not install voicediag, for the reason above"
  set_state run "$(key_now)"
  say "done"
  release_lock
}

# set_up_test: after it, .venv holds the development tools as well.
set_up_test() {
  take_lock
  if ! is_ready test; then
    say "installing the development tools into .venv"
    find_python || :
    set_state test unfinished
    "$venv/bin/python" -I -c '
import sys, tomllib
with open(sys.argv[1], "rb") as file:
    print(*tomllib.load(file)["dependency-groups"]["dev"], sep="\n")
' "$root/pyproject.toml" >"$venv/dev-requirements.txt"
    pip_install --requirement "$venv/dev-requirements.txt" ||
      die "pip could not install the development tools, for the reason above"
    set_state test "$(key_now)"
  fi
  release_lock
}

# ensure_programs PROGRAM…: the system packages that bring them; false where some are still missing.
ensure_programs() {
  missing=
  for program in "$@"; do
    have "$program" || missing="$missing $program"
  done
  if is_linux && ! has_alsa_bridge; then missing="$missing alsa-pulse"; fi
  [ -n "$missing" ] || return 0
  # shellcheck disable=SC2086,SC2046
  set -- $(packages_for $missing)
  if install_packages "$@"; then
    case $missing in *turnserver*) stop_packaged_coturn ;; esac
  else
    say "missing for the tests:$missing. First: $(install_command "$@")"
    return 1
  fi
}
# Debian starts what it installs; a TURN server that nobody asked for stays off. The tests start their own.
stop_packaged_coturn() {
  if [ -d /run/systemd/system ] && have systemctl; then
    say "turning the coturn service off again: the tests start their own"
    as_root systemctl --quiet disable --now coturn </dev/null >&2 || :
  fi
}
