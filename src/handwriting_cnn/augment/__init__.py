"""Random distortions of training pictures, drawn anew for each picture and epoch."""
