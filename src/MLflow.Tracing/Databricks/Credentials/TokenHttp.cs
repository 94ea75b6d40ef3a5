using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace MLflow;

/// <summary>Requests to where tokens are issued. Their texts name the address and what it answered, and no value that was sent.</summary>
internal sealed class TokenHttp(HttpClient client, DatabricksConfig config, TimeSpan? timeout = null)
{
    private const int MaxMessageLength = 300;
    private readonly TimeSpan _timeout = timeout ?? TimeSpan.FromSeconds(30);

    public DatabricksConfig Config => config;

    /// <summary>Asks for a token by a form.</summary>
    public async Task<JsonElement> PostAsync(Uri address, IEnumerable<KeyValuePair<string, string>> form, (string Id, string Secret)? basic, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new FormUrlEncodedContent(form) };
        if (basic is var (id, secret))
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{id}:{secret}")));
        }

        return await SendAsync(request, cancellationToken).ConfigureAwait(false);
    }

    public async Task<JsonElement> GetAsync(Uri address, CancellationToken cancellationToken, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await SendAsync(request, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Where an address redirects to; null where it does not.</summary>
    public async Task<Uri?> GetRedirectAsync(Uri address, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        try
        {
            using var answer = await client.SendAsync(request, cancellationToken).ConfigureAwait(false);
            return answer.Headers.Location;
        }
        catch (HttpRequestException e)
        {
            throw Unreachable(address, e);
        }
    }

    /// <summary>Reads a token from an answer: <c>access_token</c>, <c>token_type</c>, and <c>expires_in</c> in seconds, which some write as text.</summary>
    public static AccessToken Read(JsonElement answer, string from, TimeSpan? lifetime = null) => ApiJson.Text(answer, "access_token") is { Length: > 0 } value
        ? new AccessToken(
            ApiJson.Text(answer, "token_type") is { Length: > 0 } type ? type : "Bearer",
            value,
            lifetime ?? (double.TryParse(ApiJson.Text(answer, "expires_in"), NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && seconds > 0 ? TimeSpan.FromSeconds(seconds) : null))
        : throw new ExportFailureException(ExportFailureKind.Busy, DropReasons.InvalidAnswer, $"{from} answered without an access token.");

    private async Task<JsonElement> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_timeout);
        var address = request.RequestUri!;
        try
        {
            using var answer = await client.SendAsync(request, deadline.Token).ConfigureAwait(false);
            var body = await answer.Content.ReadAsByteArrayAsync(deadline.Token).ConfigureAwait(false);
            return answer.IsSuccessStatusCode ? JsonElement.Parse(body) : throw Failure(address, (int)answer.StatusCode, body);
        }
        catch (JsonException)
        {
            throw new ExportFailureException(ExportFailureKind.Busy, DropReasons.InvalidAnswer, $"{Place(address)} did not answer with JSON.");
        }
        catch (HttpRequestException e)
        {
            throw Unreachable(address, e);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ExportFailureException(ExportFailureKind.Unreachable, DropReasons.Timeout, $"{Place(address)} did not answer within {_timeout.TotalSeconds:0} seconds.");
        }
    }

    private static ExportFailureException Unreachable(Uri address, HttpRequestException e) =>
        new(ExportFailureKind.Unreachable, DropReasons.ConnectionLost, $"{Place(address)}: {e.GetBaseException().Message}");

    /// <summary>Wrong credentials stay wrong until somebody mends them; a server that fails may do better soon.</summary>
    private ExportFailureException Failure(Uri address, int status, byte[] body) => new(
        status is 408 or 429 or >= 500 ? ExportFailureKind.Busy : ExportFailureKind.Held,
        DropReasons.Status(status),
        string.Create(CultureInfo.InvariantCulture, $"{Place(address)} answered {status}{Quote(body)}"))
    {
        Status = status,
    };

    private string Quote(byte[] body)
    {
        try
        {
            var error = JsonElement.Parse(body);
            var parts = new[] { ApiJson.Text(error, "error"), ApiJson.Text(error, "error_description") ?? ApiJson.Text(error, "summary") ?? ApiJson.Text(error, "message") }.OfType<string>();
            return string.Join(": ", parts) is { Length: > 0 } text ? ": " + TracePreview.Cut(config.Conceal(text), MaxMessageLength) : "";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return "";
        }
    }

    private static string Place(Uri address) => address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);
}
