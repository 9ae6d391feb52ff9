"""The API under ``/api/0/``, in the forms that Sentry's tools know."""
