"""Lets torchvision's CUDA wheel be imported beside a CPU build of torch. Copied into the environment of the real vLLM.

The wheel's operators cannot be loaded there, and it registers shapes for two of them all the same, which torch refuses
for operators that it has never heard of. So they are declared right before torchvision is first imported. Nothing calls
them: pictures are resized by operators of torch's own.
"""

import sys

declared = []  # a declaration lasts as long as its library


class _Declarer:
    """A finder of modules that finds none, and is told of every import before it happens."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:  # noqa: ARG002 - as importers ask
        """Declare the operators when torchvision is about to be imported, once."""
        if name == "torchvision":
            sys.meta_path.remove(self)
            import torch  # noqa: PLC0415 - most processes that start here never need it

            library = torch.library.Library("torchvision", "DEF")
            for name_of in ("nms", "qnms"):
                library.define(f"{name_of}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            declared.append(library)


sys.meta_path.insert(0, _Declarer())
