"""placeholder"""


def published():
    return {}
