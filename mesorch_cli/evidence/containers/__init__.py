"""The other file formats: PNG, BMP, WebP, GIF, HEIC, AVIF, JPEG 2000, JPEG XL and camera raw."""
