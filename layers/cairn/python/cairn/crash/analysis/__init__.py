"""What the registers, the memory and the annotations of a dump tell beside the reason. Pure functions over records."""
