"""The shared nouns. Frozen structs whose fields carry their unit in the name; they import nothing of ours."""
