"""What lies on disk: catalog, vectors, generations, thumbnails."""
