"""The ground floor for files: how they are opened, written and listed, whoever may have laid traps beside them."""
