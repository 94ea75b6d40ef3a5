using System.Globalization;
using System.Net;
using System.Text;

namespace MLflow;

/// <summary>
/// What the program asks of a tracking server, other than the export of its traces. What fails in passing is tried again, as MLflow's clients do: reads after any
/// such failure, writes only where the server says that it did not take them, since a second try may do it twice.
/// </summary>
internal sealed class TrackingApi
{
    /// <summary>A trace may hold pictures and long streams; above this the answer is refused.</summary>
    public const int MaxAnswerBytes = 512 << 20;

    /// <summary>MLflow's defaults of <c>MLFLOW_HTTP_REQUEST_MAX_RETRIES</c> and, in seconds, <c>MLFLOW_HTTP_REQUEST_TIMEOUT</c>.</summary>
    public const int DefaultRetries = 7;
    public const int DefaultTimeoutSeconds = 120;

    /// <summary>Retries of a request that the server itself fails on, which is rarely better later.</summary>
    public const int MaxRetriesOfFailures = 2;

    private const int MaxRetriesAllowed = 10;

    /// <summary>A caller is not kept waiting longer because a server asks for it.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromMinutes(1);

    private static readonly Lazy<HttpClient> Client = new(() =>
    {
        var client = TrackingTransport.Read(Environment.GetEnvironmentVariable).CreateClient(TrackingHttp.MaxConnections);
        client.MaxResponseContentBufferSize = MaxAnswerBytes;
        return client;
    });

    private readonly TrackingHttp _http;
    private readonly TimeProvider _timeProvider;
    private readonly TimeSpan _timeout = TimeSpan.FromSeconds(Variable("MLFLOW_HTTP_REQUEST_TIMEOUT", 1, int.MaxValue / 1000, DefaultTimeoutSeconds));
    private readonly int _maxRetries = Variable("MLFLOW_HTTP_REQUEST_MAX_RETRIES", 0, MaxRetriesAllowed, DefaultRetries);

    /// <param name="address">The server.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="credentials">What the server is shown.</param>
    /// <param name="workspace">The Databricks workspace at that address; null for other servers.</param>
    public TrackingApi(Uri address, TimeProvider timeProvider, CredentialSource credentials, DatabricksWorkspace? workspace = null)
    {
        _timeProvider = timeProvider;
        Workspace = workspace;
        _http = workspace?.Reads ?? new TrackingHttp(Client.Value, address, timeProvider, credentials);
    }

    /// <summary>The Databricks workspace; null for other servers.</summary>
    public DatabricksWorkspace? Workspace { get; }

    /// <summary>Without credentials and without a slash at the end.</summary>
    public string Address => _http.Address;

    /// <param name="path">Path and query.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="retriesFailures">False where a failure of the server (500) is an answer that means something.</param>
    /// <exception cref="MlflowException">It did not succeed.</exception>
    public Task<byte[]> GetAsync(string path, CancellationToken cancellationToken, bool retriesFailures = true) =>
        SendAsync(HttpMethod.Get, path, null, retriesFailures ? Repeatable : RepeatableWhenBusy, cancellationToken);

    /// <summary>Asks by a POST that changes nothing.</summary>
    /// <exception cref="MlflowException">It did not succeed.</exception>
    public Task<byte[]> QueryAsync(string path, byte[] body, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, path, body, Repeatable, cancellationToken);

    /// <summary>Changes something. What is known to be a secret is not sent.</summary>
    /// <exception cref="MlflowException">It did not succeed.</exception>
    public Task<byte[]> WriteAsync(HttpMethod method, string path, byte[]? body, CancellationToken cancellationToken) =>
        SendAsync(method, path, body is null ? null : WithoutKnownSecrets(body), RepeatableWhenNotTaken, cancellationToken);

    /// <summary>As <see cref="WriteAsync"/>, for a body that is to hold a secret, or a name that may be the value of one.</summary>
    /// <exception cref="MlflowException">It did not succeed.</exception>
    public Task<byte[]> WriteUnchangedAsync(string path, byte[] body, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, path, body, RepeatableWhenNotTaken, cancellationToken);

    /// <summary>Does what is a read of several requests, and is tried again as one is.</summary>
    /// <exception cref="MlflowException">It did not succeed.</exception>
    public Task<byte[]> GetAsync(string path, Func<CancellationToken, Task<byte[]>> read, CancellationToken cancellationToken) => TryAsync(path, () => read(cancellationToken), Repeatable, cancellationToken);

    private static byte[] WithoutKnownSecrets(byte[] body)
    {
        if (!KnownSecrets.Suspects(body))
        {
            return body;
        }

        var value = AttributeValue.FromJson(body);
        new ValueRedactor(RedactionRules.KnownSecretsOnly, static _ => { }).Redact("", ref value);
        return value.Kind == AttributeValueKind.Json ? value.Json.ToArray() : Encoding.UTF8.GetBytes(AttributeJson.Of(value));
    }

    private static bool Repeatable(ExportFailureException e, int failures) =>
        RepeatableWhenBusy(e, failures) || (e.Kind == ExportFailureKind.Failed && e.Reason != DropReasons.Timeout && failures < MaxRetriesOfFailures);

    /// <summary>Traces wait for credentials that are mended later; whoever asks now wants to know.</summary>
    private static bool RepeatableWhenBusy(ExportFailureException e, int failures) => e.Kind == ExportFailureKind.Busy && e.Status is not (401 or 403);

    private static bool RepeatableWhenNotTaken(ExportFailureException e, int failures) => e.Status is 429 or 503;

    private Task<byte[]> SendAsync(HttpMethod method, string path, byte[]? body, Func<ExportFailureException, int, bool> isRepeatable, CancellationToken cancellationToken) =>
        TryAsync(path, () => _http.RequestAsync(method, path, body, _timeout, cancellationToken), isRepeatable, cancellationToken);

    private async Task<byte[]> TryAsync(string path, Func<Task<byte[]>> send, Func<ExportFailureException, int, bool> isRepeatable, CancellationToken cancellationToken)
    {
        var retry = new RetryPolicy(_timeProvider, Random.Shared.NextDouble);
        while (true)
        {
            try
            {
                return await send().ConfigureAwait(false);
            }
            catch (ExportFailureException e) when (retry.Failures < _maxRetries && isRepeatable(e, retry.Failures) && !(e.RetryAfter > MaxWait))
            {
                retry.Failed(e.RetryAfter);
            }
            catch (ExportFailureException e)
            {
                throw Translate(e, path);
            }

            // Timers may be early by a moment, and a server that told a time refuses who comes before it.
            while (retry.Remaining is var left && left > TimeSpan.Zero)
            {
                await Task.Delay(left + TimeSpan.FromMilliseconds(1), _timeProvider, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private MlflowException Translate(ExportFailureException e, string path) =>
        new(e.Status is null && e.Kind == ExportFailureKind.Unreachable ? $"The tracking server at {Address} could not be reached: {e.Message}" : e.Message, e)
        {
            ErrorCode = e.ErrorCode ?? MlflowErrorCode.Of(e.Status),
            StatusCode = (HttpStatusCode?)e.Status,
            ServerMessage = e.ServerMessage,
            RequestUrl = Address + path.Split('?')[0],
        };

    private static int Variable(string name, int min, int max, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max ? value : otherwise;
}
