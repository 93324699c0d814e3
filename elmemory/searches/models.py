"""Searches that staff saved by name: the parameters of a list."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop


class SavedSearches(models.QuerySet["SavedSearch"]):
    def shown_to(self, user: Any) -> "SavedSearches":
        """Return the user's own searches and those for everyone."""
        return self.filter(Q(owner=user.pk) | Q(owner=None))


class SavedSearch(models.Model):
    """A search of the list of calls.

    `query` is a query string. It holds no phone number: a caller is named by reference, other digits are not saved.
    Without an `owner` the search is everyone's.
    """

    name = models.CharField(_("name"), max_length=60)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True)
    query = models.CharField(max_length=2000)

    objects = SavedSearches.as_manager()

    class Meta:
        default_permissions = ()
        permissions = (("share_savedsearch", gettext_noop("Can save searches for everyone")),)
        ordering = ("name", "pk")
        constraints = (
            models.UniqueConstraint(fields=["owner", "name"], name="one_search_of_a_user"),
            models.UniqueConstraint(fields=["name"], condition=Q(owner=None), name="one_search_of_everyone"),
        )

    def __str__(self) -> str:
        return self.name
