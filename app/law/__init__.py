"""Words and arithmetic of the law: pure functions of values."""
