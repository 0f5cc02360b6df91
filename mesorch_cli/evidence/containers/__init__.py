"""The other file formats, each parsed without decoding: PNG, BMP, WebP, GIF, HEIC, AVIF, JPEG 2000, JPEG XL, camera raw."""
