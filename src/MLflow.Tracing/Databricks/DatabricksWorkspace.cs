namespace MLflow;

/// <summary>One workspace as this SDK speaks to it: its credentials and connections, shared by the export and by reads.</summary>
internal sealed class DatabricksWorkspace : IDisposable
{
    private readonly DatabricksWorkspace? _keeper;
    private readonly HttpMessageHandler _plain;
    private readonly DatabricksHandler _handler;
    private readonly HttpClient _exports;
    private readonly HttpClient _reads;
    private readonly HttpClient _storage;

    /// <exception cref="ArgumentException">There are no credentials.</exception>
    public DatabricksWorkspace(DatabricksConfig config, TrackingTransport transport, TimeProvider timeProvider)
        : this(config, config.Secrets, transport, timeProvider)
    {
    }

    private DatabricksWorkspace(DatabricksConfig config, CredentialSecrets? secrets, TrackingTransport transport, TimeProvider timeProvider)
    {
        Config = config;
        TimeProvider = timeProvider;

        // One for all, and never any but the handler's own credentials: what is uploaded goes to other hosts, by addresses that are credentials themselves.
        var plain = transport.CreateHandler(TrackingHttp.MaxConnections);
        plain.AllowAutoRedirect = false;
        _plain = plain;
        _storage = TrackingTransport.CreateClient(plain, disposeHandler: false);
        _storage.MaxResponseContentBufferSize = TrackingApi.MaxAnswerBytes;
        if (secrets is null)
        {
            Credentials = CredentialChoice.Create(config, _storage, timeProvider);
        }
        else
        {
            _keeper = new DatabricksWorkspace(config, null, transport, timeProvider);
            Credentials = new TokenCredentials("secret-scope", new TokenCache(new SecretScopeTokens(_keeper, secrets), timeProvider, refreshesAhead: false));
        }

        _handler = new DatabricksHandler(config, Credentials, plain);
        _exports = TrackingTransport.CreateClient(_handler, disposeHandler: false);
        _reads = TrackingTransport.CreateClient(_handler, disposeHandler: false);
        _reads.MaxResponseContentBufferSize = TrackingApi.MaxAnswerBytes;
        Http = new TrackingHttp(_exports, config.Host, timeProvider);
        Reads = new TrackingHttp(_reads, config.Host, timeProvider);
        Storage = new SignedStorage(_storage, SignedStorage.ReadChunkBytes(config.Surroundings));
    }

    public DatabricksConfig Config { get; }

    public TimeProvider TimeProvider { get; }

    public IDatabricksCredentials Credentials { get; }

    /// <summary>Requests of the export.</summary>
    public TrackingHttp Http { get; }

    /// <summary>Requests whose answers may be large.</summary>
    public TrackingHttp Reads { get; }

    /// <summary>Takes and gives documents by signed addresses.</summary>
    public SignedStorage Storage { get; }

    /// <summary>Sends requests of others to this workspace, with its credentials.</summary>
    public HttpClient Client => _reads;

    /// <param name="traceId">The trace.</param>
    /// <param name="purpose"><c>upload</c> or <c>download</c>.</param>
    public static string CredentialPath(string traceId, string purpose) => $"/api/2.0/mlflow/traces/{Uri.EscapeDataString(traceId)}/credentials-for-data-{purpose}";

    /// <summary>Asks for an address by which the document of a trace may be written or read.</summary>
    /// <param name="traceId">The trace.</param>
    /// <param name="purpose"><c>upload</c> or <c>download</c>.</param>
    /// <param name="http">What asks.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ExportFailureException">There is none now.</exception>
    public async Task<SignedCredential> CredentialAsync(string traceId, string purpose, TrackingHttp http, CancellationToken cancellationToken)
    {
        using var answer = await http.SendJsonAsync(HttpMethod.Get, CredentialPath(traceId, purpose), default, cancellationToken).ConfigureAwait(false);
        try
        {
            return SignedCredential.Read(answer.RootElement);
        }
        catch (FormatException e)
        {
            throw new ExportFailureException(ExportFailureKind.Failed, DropReasons.InvalidAnswer, $"The Databricks workspace {Config.Host.Host} did not say where the spans of a trace lie: {e.Message}.");
        }
    }

    public void Dispose()
    {
        _exports.Dispose();
        _reads.Dispose();
        _storage.Dispose();
        _handler.Dispose();
        _plain.Dispose();
        _keeper?.Dispose();
    }
}
