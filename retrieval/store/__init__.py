"""The files of an index: catalog, vectors, generations, thumbnails."""
