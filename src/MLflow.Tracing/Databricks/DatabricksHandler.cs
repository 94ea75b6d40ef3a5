using System.Net;

namespace MLflow;

/// <summary>
/// Lets requests into a workspace: adds the credentials, gets new ones once where they were refused, and says in one sentence what is wrong where that does not help. A redirect
/// is an error, since it leads to a page for people.
/// </summary>
internal sealed class DatabricksHandler : DelegatingHandler
{
    private readonly DatabricksConfig _config;
    private readonly IDatabricksCredentials _credentials;

    public DatabricksHandler(DatabricksConfig config, IDatabricksCredentials credentials, HttpMessageHandler inner)
        : base(inner)
    {
        _config = config;
        _credentials = credentials;
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (_config.Secrets is null && _config[DatabricksAttribute.WorkspaceId] is { } workspace)
        {
            request.Headers.TryAddWithoutValidation("X-Databricks-Workspace-Id", workspace);
        }

        var response = await SendOnceAsync(request, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.Unauthorized && _credentials.Refused(request))
        {
            // It ended early, or the clocks differ.
            response.Dispose();
            response = await SendOnceAsync(request, cancellationToken).ConfigureAwait(false);
        }

        TellWaitByOneClock(response);
        if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden || (int)response.StatusCode is >= 300 and < 400)
        {
            using (response)
            {
                throw await FailureAsync(request, response, cancellationToken).ConfigureAwait(false);
            }
        }

        return response;
    }

    private async Task<HttpResponseMessage> SendOnceAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        await _credentials.AddAsync(request, cancellationToken).ConfigureAwait(false);
        return await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A date to come back at is one of the workspace's clock, whose time stands beside it.</summary>
    private static void TellWaitByOneClock(HttpResponseMessage response)
    {
        if (response.Headers is { RetryAfter.Date: { } until, Date: { } now })
        {
            response.Headers.RetryAfter = new(until > now ? until - now : TimeSpan.Zero);
        }
    }

    private async Task<ExportFailureException> FailureAsync(HttpRequestMessage request, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var status = (int)response.StatusCode;
        var host = request.RequestUri!.Host;
        var where = host + request.RequestUri.AbsolutePath;
        if (status < 400)
        {
            return new ExportFailureException(
                ExportFailureKind.Held,
                DropReasons.Status(status),
                $"The Databricks workspace answered {where} with a redirect ({status}), as to people who have to sign in: is {host} the workspace's own address?")
            {
                Status = status,
            };
        }

        var (code, text) = TrackingHttp.ReadError(await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false));
        text = text is null ? null : _config.Conceal(text);
        var said = text is null ? "" : ": " + text.TrimEnd('.');
        return new ExportFailureException(
            ExportFailureKind.Held,
            DropReasons.Status(status),
            status == 401
                ? $"The Databricks workspace {host} does not accept the credentials ({_credentials.Method}; {_credentials.Origin}){said}."
                : $"The Databricks workspace does not allow {request.Method} {where} to these credentials ({_credentials.Method}){said}.")
        {
            ErrorCode = code,
            ServerMessage = text,
            Status = status,
        };
    }
}
