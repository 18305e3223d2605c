"""What goes wrong with the Hub, in words: gated, missing, offline, no token, a full disk."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from vconsole.errors import ExitCode, VConsoleError

TOKEN = "put a token into HF_TOKEN or run `hf auth login`"


@contextmanager
def explained(repository: str) -> Iterator[None]:
    """Turn the library's errors about `repository` into ours."""
    from huggingface_hub import errors
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]
    from huggingface_hub.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]

    try:
        yield
    except errors.GatedRepoError as error:
        raise _gated(repository) from error
    except errors.RepositoryNotFoundError as error:
        raise _missing(repository) from error
    except errors.RevisionNotFoundError as error:
        raise VConsoleError(
            f"{repository} has no such revision", "leave the revision out", kind="not_found"
        ) from error
    except errors.HFValidationError as error:
        raise VConsoleError(
            f"{repository!r} is not the name of a Hub repository",
            "give OWNER/NAME; `vconsole models search WORDS` finds it",
            ExitCode.USAGE,
            "not_found",
        ) from error
    except errors.OfflineModeIsEnabled as error:
        raise VConsoleError(
            "the Hub is not asked: HF_HUB_OFFLINE is set",
            "unset HF_HUB_OFFLINE; what is in the local cache works without",
            kind="offline",
        ) from error
    except errors.LocalEntryNotFoundError as error:
        raise _unreachable(repository, error) from error
    except errors.HfHubHTTPError as error:
        raise _refused(repository, error) from error
    except (HTTPError, ConnectionError) as error:
        raise _unreachable(repository, error) from error
    except OSError as error:
        raise _disk(error) from error


def _gated(repository: str) -> VConsoleError:
    return VConsoleError(
        f"{repository} is gated: its owner lets in who has accepted the licence",
        f"accept it at https://huggingface.co/{repository}, then {TOKEN}",
        ExitCode.REFUSED,
        "gated",
    )


def _missing(repository: str) -> VConsoleError:
    return VConsoleError(
        f"the Hub has no repository {repository}, or it is private",
        f"check the name with `vconsole models search`; if it is private, {TOKEN}",
        kind="not_found",
    )


def _refused(repository: str, error: Exception) -> VConsoleError:
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    if status == 401:
        return VConsoleError("the Hub does not take this token", TOKEN, kind="bad_token")
    if status == 403:
        return _gated(repository)
    if status == 429:
        return VConsoleError(
            "the Hub asks for patience: too many requests", "try again in some minutes"
        )
    return VConsoleError(
        f"the Hub failed over {repository} (HTTP {status})", "try again later", kind="hub_failed"
    )


def _unreachable(repository: str, error: Exception) -> VConsoleError:
    from huggingface_hub import constants

    return VConsoleError(
        f"the Hub cannot be reached at {constants.ENDPOINT} ({type(error).__name__})",
        "check the network and HTTPS_PROXY; what is in the local cache works without",
        kind="offline",
    )


def _disk(error: OSError) -> VConsoleError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return VConsoleError(
            "the disk is full",
            "make room (`vconsole models rm` frees some), or point HF_HOME at another disk; "
            "the same command continues where it stopped",
            kind="disk_full",
        )
    return VConsoleError(f"cannot write into the cache: {error}", "see HF_HOME", kind="disk")
