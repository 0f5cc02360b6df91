"""Make the graph with which ONNX Runtime runs shipped weights, and compare its answers with PyTorch's.

usage: make_graph.py WEIGHTS.safetensors [PHOTOS]

WEIGHTS.graph.onnx and its description are written beside the weights, or nothing if the answers differ by more than
`mesorch export` allows. The graph belongs to the tensors of these weights: it stays as it is when only the passport
changes, and has to be made again for other tensors. PHOTOS: a folder of photos for the comparison, beside those that
come with scikit-image.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from mesorch_cli.export.bare import make_bare
from mesorch_cli.export.photos import folder_photos, standard_photos
from mesorch_cli.network.contents import read_contents


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("photos", type=Path, nargs="?")
    args = parser.parse_args()
    photos = standard_photos() | (folder_photos(args.photos) if args.photos is not None else {})
    parity = make_bare(read_contents(args.weights), args.weights.parent, photos)
    print(
        f"{len(parity.differences)} inputs: logits differ by at most {parity.logits:.1e}, masks by {parity.flipped:.4%}"
    )


if __name__ == "__main__":
    main()
