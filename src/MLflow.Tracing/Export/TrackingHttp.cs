using System.Globalization;
using System.IO.Compression;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace MLflow;

/// <summary>The requests to one tracking server, and what their failures mean.</summary>
internal sealed class TrackingHttp
{
    public static readonly TimeSpan VersionTimeout = TimeSpan.FromSeconds(3);

    public static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Connections to one server at the same time.</summary>
    public const int MaxConnections = 16;

    /// <summary>Bytes of an answer that are read at most.</summary>
    public const int MaxAnswerBytes = 4 << 20;

    private const int MaxMessageLength = 500;
    private static readonly JsonDocumentOptions AnswerOptions = new() { MaxDepth = 512 };
    private static readonly ProductInfoHeaderValue UserAgent = new("mlflow-dotnet-client", SdkInfo.Version);

    private readonly HttpClient _client;
    private readonly TimeProvider _timeProvider;

    // Made when it is needed, which is not on a thread of the program: a file may have to be read.
    private readonly Lazy<AuthenticationHeaderValue?> _credentials;
    private readonly string? _workspace;

    public TrackingHttp(HttpClient client, Uri address, TimeProvider timeProvider, CredentialSource? credentials = null)
    {
        _client = client;
        _timeProvider = timeProvider;
        _credentials = new Lazy<AuthenticationHeaderValue?>(() => (credentials ?? CredentialSource.OfEnvironment).For(address));
        _workspace = Environment.GetEnvironmentVariable("MLFLOW_WORKSPACE") is { Length: > 0 } workspace ? workspace : null;
        IsLoopback = address.IsLoopback;
        Address = TrackingSettings.TextOf(address);
    }

    /// <summary>Without credentials and without a slash at the end.</summary>
    public string Address { get; }

    /// <summary>Bytes that do not leave the machine cost less than their compression.</summary>
    public bool IsLoopback { get; }

    /// <summary>Asks who answers there. Whatever is not an MLflow server counts as nothing: at the default address something else may listen.</summary>
    public async Task<ServerVersion> GetVersionAsync(CancellationToken cancellationToken)
    {
        try
        {
            var (text, _) = await SendAsync(HttpMethod.Get, "/version", null, VersionTimeout, cancellationToken).ConfigureAwait(false);
            if (ServerVersion.TryParse(Encoding.UTF8.GetString(text), out var version))
            {
                return version;
            }

            throw new ExportFailureException(ExportFailureKind.Unreachable, DropReasons.InvalidAnswer, "what answers there is not an MLflow server");
        }
        catch (ExportFailureException e) when (e.Kind == ExportFailureKind.Refused)
        {
            var hint = e.Status is 401 or 403 ? "; if it asks for credentials, set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN" : "";
            throw new ExportFailureException(ExportFailureKind.Unreachable, e.Reason, $"what answers there says {e.Status} to /version{hint}") { Status = e.Status };
        }
    }

    /// <summary>Posts spans. Where it is blocking, it does not return before the answer is there: the caller has a thread to wait with.</summary>
    /// <returns>Whether the server confirms that it stored facts among the spans, and how many calls it says it recorded.</returns>
    public async Task<(bool Facts, int RecordedCalls)> PostSpansAsync(string experimentId, ReadOnlyMemory<byte> request, bool compress, CancellationToken cancellationToken, bool isBlocking = true)
    {
        using var content = new ReadOnlyMemoryContent(compress ? Compress(request) : request);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
        content.Headers.Add("x-mlflow-experiment-id", experimentId);
        if (compress)
        {
            content.Headers.ContentEncoding.Add("gzip");
        }

        var (body, headers) = await SendAsync(HttpMethod.Post, "/v1/traces", content, RequestTimeout, cancellationToken, isBlocking).ConfigureAwait(false);
        return OtlpAnswer.Read(body) switch
        {
            null => throw new ExportFailureException(ExportFailureKind.Failed, DropReasons.InvalidAnswer, $"{Address}/v1/traces answered something else than OTLP: what stands between may have taken the traces."),
            { Rejected: > 0 } answer => throw new ExportFailureException(
                ExportFailureKind.Refused,
                DropReasons.Rejected,
                string.Create(CultureInfo.InvariantCulture, $"{Address}/v1/traces rejected {answer.Rejected} spans{(answer.Message is { Length: > 0 } why ? ": " + TracePreview.Cut(why, MaxMessageLength) : "")}")),
            _ => (headers.Contains(TraceFactsFeature.Header), RecordedCalls(headers)),
        };
    }

    private static int RecordedCalls(HttpResponseHeaders headers) =>
        headers.NonValidated.TryGetValues(PlainCallFeature.Header, out var values) && int.TryParse(values.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : 0;

    /// <summary>Posts spans to another path than that of MLflow's servers, with one header that says where to.</summary>
    public async Task PostSpansAsync(string path, string header, string value, ReadOnlyMemory<byte> request, CancellationToken cancellationToken)
    {
        using var content = new ReadOnlyMemoryContent(request);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
        content.Headers.Add(header, value);
        var (body, _) = await SendAsync(HttpMethod.Post, path, content, RequestTimeout, cancellationToken).ConfigureAwait(false);
        if (OtlpAnswer.Read(body) is not { Rejected: 0 } answer)
        {
            throw new ExportFailureException(ExportFailureKind.Refused, DropReasons.Rejected, $"{Address}{path} did not take all spans, or answered something else than OTLP.");
        }
    }

    public async Task PutAsync(string path, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        using var content = new ReadOnlyMemoryContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        await SendAsync(HttpMethod.Put, path, content, RequestTimeout, cancellationToken).ConfigureAwait(false);
    }

    public async Task<JsonDocument> SendJsonAsync(HttpMethod method, string path, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        using var content = method == HttpMethod.Get ? null : new ReadOnlyMemoryContent(body);
        content?.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        var (answer, _) = await SendAsync(method, path, content, RequestTimeout, cancellationToken).ConfigureAwait(false);
        try
        {
            return JsonDocument.Parse(answer, AnswerOptions);
        }
        catch (JsonException)
        {
            throw new ExportFailureException(ExportFailureKind.Failed, DropReasons.InvalidAnswer, $"{Address}{PathOf(path)} did not answer with JSON.");
        }
    }

    /// <summary>Sends JSON, or no body at all, and gives the answer as it came.</summary>
    public async Task<byte[]> RequestAsync(HttpMethod method, string path, byte[]? body, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var content = body is null ? null : new ByteArrayContent(body);
        content?.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return (await SendAsync(method, path, content, timeout, cancellationToken).ConfigureAwait(false)).Body;
    }

    private static ReadOnlyMemory<byte> Compress(ReadOnlyMemory<byte> body)
    {
        using var compressed = new MemoryStream(body.Length / 4);
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(body.Span);
        }

        return compressed.GetBuffer().AsMemory(0, (int)compressed.Length);
    }

    private async Task<(byte[] Body, HttpResponseHeaders Headers)> SendAsync(HttpMethod method, string path, HttpContent? content, TimeSpan timeout, CancellationToken cancellationToken, bool isBlocking = false)
    {
        using var deadline = new CancellationTokenSource(timeout, _timeProvider);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        using var request = new HttpRequestMessage(method, Address + path) { Content = content };
        request.Headers.UserAgent.Add(UserAgent);
        request.Headers.Authorization = _credentials.Value;
        if (_workspace is not null)
        {
            request.Headers.TryAddWithoutValidation("X-MLFLOW-WORKSPACE", _workspace);
        }

        try
        {
            using var response = isBlocking ? _client.Send(request, both.Token) : await _client.SendAsync(request, both.Token).ConfigureAwait(false);
            var body = await response.Content.ReadAsByteArrayAsync(both.Token).ConfigureAwait(false);
            return response.IsSuccessStatusCode ? (body, response.Headers) : throw Failure(path, response, body);
        }
        catch (HttpRequestException e)
        {
            // A connection that breaks once the request is under way may be the request's own doing.
            var kind = e.HttpRequestError is HttpRequestError.ResponseEnded or HttpRequestError.InvalidResponse ? ExportFailureKind.Failed : ExportFailureKind.Unreachable;
            throw new ExportFailureException(kind, DropReasons.ConnectionLost, e.GetBaseException().Message);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            var kind = timeout == VersionTimeout ? ExportFailureKind.Unreachable : ExportFailureKind.Failed;
            throw new ExportFailureException(kind, DropReasons.Timeout, $"{Address}{PathOf(path)} did not answer within {timeout.TotalSeconds:0} seconds");
        }
    }

    private ExportFailureException Failure(string path, HttpResponseMessage response, byte[] body)
    {
        var status = (int)response.StatusCode;
        var (code, text) = ReadError(body);
        var kind = status switch
        {
            // Credentials that expired, or a right that is given tomorrow: the data are not what is wrong.
            401 or 403 or 429 or 502 or 503 or 504 => ExportFailureKind.Busy,
            408 or 500 => ExportFailureKind.Failed,
            _ => ExportFailureKind.Refused,
        };
        return new ExportFailureException(
            kind,
            DropReasons.Status(status),
            string.Create(CultureInfo.InvariantCulture, $"{Address}{PathOf(path)} answered {status}{(text is null ? "" : ": " + text)}"))
        {
            ErrorCode = code,
            ServerMessage = text,
            Status = status,
            RetryAfter = RetryAfter(response),
        };
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - _timeProvider.GetUtcNow(),
        _ => null,
    };

    /// <summary>MLflow's <c>{"error_code", "message"}</c>, FastAPI's <c>{"detail"}</c>, or the text itself.</summary>
    public static (string? Code, string? Message) ReadError(byte[] body)
    {
        if (body.Length == 0)
        {
            return (null, null);
        }

        try
        {
            using var document = JsonDocument.Parse(body, AnswerOptions);
            var root = document.RootElement;
            if (root.ValueKind == JsonValueKind.Object)
            {
                var code = root.TryGetProperty("error_code", out var c) && c.ValueKind == JsonValueKind.String ? c.GetString() : null;
                var message = root.TryGetProperty("message", out var m) || root.TryGetProperty("detail", out m) ? m.ToString() : root.GetRawText();
                return (code, Quote(message));
            }
        }
        catch (JsonException)
        {
            // Not JSON: a proxy's page, for example.
        }

        return (null, Quote(Encoding.UTF8.GetString(body).Trim()));
    }

    /// <summary>An answer may quote what it was asked.</summary>
    private static string Quote(string answer) => TracePreview.Cut(SecretScrubber.Scrub(answer) ?? answer, MaxMessageLength);

    private static string PathOf(string path) => path.Split('?')[0];
}
