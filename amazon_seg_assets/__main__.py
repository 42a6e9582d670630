"""``python -m amazon_seg_assets`` is ``amazon-seg``."""

from amazon_seg_assets.cli import main

if __name__ == "__main__":
    main()
