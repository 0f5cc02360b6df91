"""Pictures drawn from the pixels for the examiner's own eye. They lead to no verdict."""
