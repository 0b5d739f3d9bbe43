"""What codes, symptoms and findings mean, and what to do about them."""
