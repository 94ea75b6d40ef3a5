using Microsoft.Data.Sqlite;
using MLflow.Server.Pricing;
using MLflow.Server.Telemetry;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>An opened and migrated database file: one writer, and as many readers as ask.</summary>
internal sealed class SqliteDatabase : IDatabase
{
    private readonly string _readConnectionString;
    private readonly TimeProvider _timeProvider;
    private readonly TimeSpan _searchTimeout;
    private readonly ServerMeter? _meter;

    private SqliteDatabase(string path, SqliteWriter writer, TimeProvider timeProvider, TimeSpan searchTimeout, ServerMeter? meter, SpanBlobs blobs)
    {
        _meter = meter;
        SpanBlobs = blobs;
        _timeProvider = timeProvider;
        _searchTimeout = searchTimeout;
        _readConnectionString = new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadOnly,
            Pooling = true,
        }.ToString();
        Writer = writer;
    }

    public SqliteWriter Writer { get; }

    public TraceChanges Changes { get; } = new();

    /// <summary>What large parts of payloads are moved and read by.</summary>
    public SpanBlobs SpanBlobs { get; }

    public long NowMs => _timeProvider.GetUtcNow().ToUnixTimeMilliseconds();

    public ITraceStore Traces(CallPricer pricer) => new SqliteTraceStore(this, pricer);

    public ITraceAnalysis Analysis() => new SqliteTraceAnalysis(this);

    public IExperimentStore Experiments() => new SqliteExperimentStore(this);

    public IRunStore Runs() => new SqliteRunStore(this);

    public IAssessmentStore Assessments() => new SqliteAssessmentStore(this);

    public IViewStore Views() => new SqliteViewStore(this);

    public IAccessStore Access() => new SqliteAccessStore(this);

    public IGatewayStore Gateway() => new SqliteGatewayStore(this);

    public ITextIndex TextIndex() => new SqliteTextIndex(this);

    public IRollups Rollups() => new SqliteRollups(this);

    public IRetentionStore Retention() => new SqliteRetentionStore(this);

    public IBlobLedger Blobs() => new SqliteBlobLedger(this);

    public IStoreHealth Health() => new SqliteStoreHealth(this);

    /// <summary>Opens the database and brings its schema up to date; creates file and folder when they are missing.</summary>
    /// <param name="path">The file.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="searchTimeout">How long one search may take; null for <see cref="MlflowServerOptions.DefaultSearchTimeout"/>.</param>
    /// <param name="meter">Counts and times; null for nobody.</param>
    /// <param name="blobs">Where large contents go; null for nowhere but the database.</param>
    /// <exception cref="DatabaseOpenException">The file is not ours, or cannot be written.</exception>
    public static SqliteDatabase Open(string path, TimeProvider timeProvider, TimeSpan? searchTimeout = null, ServerMeter? meter = null, SpanBlobs? blobs = null)
    {
        SqliteMigrator.Migrate(path);
        return new SqliteDatabase(path, new SqliteWriter(path, timeProvider, meter), timeProvider, searchTimeout ?? MlflowServerOptions.DefaultSearchTimeout, meter, blobs ?? SpanBlobs.None);
    }

    /// <summary>A pooled connection that cannot write; dispose it soon, an open read transaction keeps the WAL from shrinking.</summary>
    public SqliteConnection OpenRead()
    {
        var connection = new SqliteConnection(_readConnectionString);
        connection.Open();
        return connection;
    }

    /// <summary>A connection as <see cref="OpenRead"/> gives it, for a read that may take long.</summary>
    public SqliteSearch OpenSearch(CancellationToken cancellationToken) =>
        new(OpenRead(), new SearchClock(_timeProvider, _searchTimeout, cancellationToken), _meter);

    public async ValueTask DisposeAsync()
    {
        // Readers go first: the last connection to close checkpoints the WAL and removes it, and only the writer's may.
        using (var connection = new SqliteConnection(_readConnectionString))
        {
            SqliteConnection.ClearPool(connection);
        }

        await Writer.DisposeAsync().ConfigureAwait(false);
    }
}
