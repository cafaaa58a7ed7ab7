"""What services know of merchants: `standing` (pure), their `projection`, and the `references` that they give."""
