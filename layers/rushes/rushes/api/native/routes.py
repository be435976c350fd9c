"""All routes of the native API."""

from rushes.api.native import (
    accounts,
    audit,
    job_list,
    jobs,
    keys,
    models,
    providers,
    uploads,
    usage,
    whoami,
)
from rushes.api.native.resource import Route

ROUTES: tuple[Route, ...] = (
    *jobs.ROUTES,
    *job_list.ROUTES,
    *models.ROUTES,
    *uploads.ROUTES,
    *whoami.ROUTES,
    *keys.ROUTES,
    *accounts.ROUTES,
    *audit.ROUTES,
    *usage.ROUTES,
    *providers.ROUTES,
)
