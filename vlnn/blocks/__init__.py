"""MatConvNet's blocks, one file each."""
