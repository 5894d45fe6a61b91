"""darknet: networks as a list of sections, each with options, in a .cfg file."""
