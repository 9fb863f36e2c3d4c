"""The LRS over HTTP: one endpoint for both versions of the standard.

It stands before the application's own routes and layers, because clients are programs with their own credentials and
send thousands of small requests a second; it keeps the same measures, request ids and headers.

A resource (`statements`, `activities/state`, ...) is a file here with a `RESOURCE`: its handlers by method, and the
query parameters each knows. `edge` reads the request, checks version and credentials and sends the answer.
"""
