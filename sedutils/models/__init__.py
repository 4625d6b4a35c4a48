"""One file a paper, one class an architecture; here each file is imported, so that its classes are in `KINDS`."""

from sedutils.models import cakir2017, ebbers2020, gmm, gradual, kao2018, phan2018, tdnnf  # noqa: F401
from sedutils.models.network import KINDS  # noqa: F401
