"""Values and vocabulary: what passes between the rooms. Depends on numpy only."""
