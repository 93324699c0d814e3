from django.contrib import admin
from django.urls import path
from django.utils.translation import gettext_lazy
from django.views.generic import RedirectView

from elmemory.doctor.page import DoctorPage
from webhooks.api import api
from webhooks.health import HealthEndpoint

admin.site.site_header = admin.site.site_title = "elmemory"
admin.site.index_title = gettext_lazy("Overview")
admin.site.site_url = None
# The front page links to the lists, and the list of calls needs the full width.
admin.site.enable_nav_sidebar = False

health = HealthEndpoint()

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("health", health.get, name="health"),
    path("health/ring", health.ring),
    path("health/deliveries", health.deliveries),
    path("webhook/", api.urls),
    path("admin/doctor/", admin.site.admin_view(DoctorPage().view), name="doctor"),
    path("admin/", admin.site.urls),
]
