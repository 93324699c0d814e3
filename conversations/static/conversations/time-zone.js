// Names the browser's time zone to the server, which shows times in it unless the user chose another zone.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const secure = location.protocol === "https:" ? ";secure" : "";
if (zone) document.cookie = `browser_time_zone=${zone};path=/admin/;max-age=31536000;samesite=lax${secure}`;
