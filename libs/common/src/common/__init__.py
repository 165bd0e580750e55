"""What every Rõ Việc service is built of. It names no business noun outside `contracts/`."""
