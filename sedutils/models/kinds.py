"""All networks by the ``kind`` that params.yaml calls them: to import a file enters its classes."""

from sedutils.models import (  # noqa: F401
    cakir2017,
    ebbers2020,
    gmm,
    gradual,
    kao2018,
    phan2018,
    pooled_crnn,
    tdnnf,
)
from sedutils.models.network import KINDS  # noqa: F401
