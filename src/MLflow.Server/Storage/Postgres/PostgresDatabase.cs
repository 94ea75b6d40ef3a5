using System.Diagnostics;
using MLflow.Server.Pricing;
using MLflow.Server.Telemetry;
using MLflow.Server.Traces;
using Npgsql;

namespace MLflow.Server.Storage.Postgres;

/// <summary>An opened and migrated database, which other servers may use at the same time.</summary>
internal sealed class PostgresDatabase : IDatabase
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(20);

    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(1);

    private readonly NpgsqlDataSource _sources;
    private readonly NpgsqlDataSource _writers;
    private readonly NpgsqlDataSource _readers;
    private readonly TimeSpan _searchTimeout;
    private readonly ServerMeter? _meter;
    private readonly ArrivalClock _arrivals;
    private readonly PostgresChangeFeed _feed;
    private int _isClosing;

    private PostgresDatabase(NpgsqlDataSource sources, NpgsqlDataSource writers, NpgsqlDataSource readers, TimeProvider timeProvider, TimeSpan searchTimeout, ServerMeter? meter, SpanBlobs blobs)
    {
        _meter = meter;
        SpanBlobs = blobs;
        _sources = sources;
        _writers = writers;
        _readers = readers;
        TimeProvider = timeProvider;
        _arrivals = new ArrivalClock(timeProvider);
        _searchTimeout = searchTimeout;
        Partitions = new PostgresPartitions(this);
        Writer = new PostgresWriter(this, meter);
        Upkeep = new PostgresUpkeep(Partitions, timeProvider);
        _feed = new PostgresChangeFeed(this, writers, Changes);
    }

    public TimeProvider TimeProvider { get; }

    /// <summary>How long something is tried again while the database is away, restarts or fails over; its caller tries again after that.</summary>
    public TimeSpan RetryFor { get; set; } = TimeSpan.FromSeconds(15);

    public PostgresPartitions Partitions { get; }

    /// <summary>What large parts of payloads are moved and read by.</summary>
    public SpanBlobs SpanBlobs { get; }

    public PostgresWriter Writer { get; }

    public PostgresUpkeep Upkeep { get; }

    public TraceChanges Changes { get; } = new();

    public ITraceStore Traces(CallPricer pricer) => new PostgresTraceStore(this, pricer);

    public ITraceAnalysis Analysis() => new PostgresTraceAnalysis(this);

    public IExperimentStore Experiments() => new PostgresExperimentStore(this);

    public IRunStore Runs() => new PostgresRunStore(this);

    public IAssessmentStore Assessments() => new PostgresAssessmentStore(this);

    public IViewStore Views() => new PostgresViewStore(this);

    public IAccessStore Access() => new PostgresAccessStore(this);

    public IGatewayStore Gateway() => new PostgresGatewayStore(this);

    public ITextIndex TextIndex() => new PostgresTextIndex(this);

    public IRollups Rollups() => new PostgresRollups(this);

    public IRetentionStore Retention() => new PostgresRetentionStore(this);

    public IBlobLedger Blobs() => new PostgresBlobLedger(this);

    public IStoreHealth Health() => new PostgresStoreHealth(this);

    /// <summary>Connects, and brings the schema up to date.</summary>
    /// <param name="uri">The database, as <see cref="PostgresUri"/> reads it.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="searchTimeout">How long one search may take; null for <see cref="MlflowServerOptions.DefaultSearchTimeout"/>.</param>
    /// <param name="cancellationToken">Stops waiting for the database.</param>
    /// <param name="meter">Counts and times; null for nobody.</param>
    /// <param name="blobs">Where large contents go; null for nowhere but the database.</param>
    /// <exception cref="DatabaseOpenException">The database cannot be reached, or is not ours.</exception>
    public static async Task<PostgresDatabase> OpenAsync(string uri, TimeProvider timeProvider, TimeSpan? searchTimeout, CancellationToken cancellationToken, ServerMeter? meter = null, SpanBlobs? blobs = null)
    {
        var settings = PostgresUri.Parse(uri);
        var shown = $"'{settings.Database}' on {settings.Host}";
        var (sources, writers, readers) = Sources(settings);
        try
        {
            var connection = await writers.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await using (connection.ConfigureAwait(false))
            {
                await PostgresMigrator.MigrateAsync(connection, shown, cancellationToken).ConfigureAwait(false);
            }

            var database = new PostgresDatabase(sources, writers, readers, timeProvider, searchTimeout ?? MlflowServerOptions.DefaultSearchTimeout, meter, blobs ?? SpanBlobs.None);
            await database.Upkeep.PassAsync().ConfigureAwait(false);
            return database;
        }
        catch (Exception e)
        {
            await sources.DisposeAsync().ConfigureAwait(false);
            throw e is NpgsqlException or TimeoutException
                ? new DatabaseOpenException(
                    $"The database {shown} cannot be used{(string.IsNullOrEmpty(settings.Username) ? "" : $" by user '{settings.Username}'")}: {PostgresFailure.Text(e)} {PostgresFailure.WayOut(e, settings.Database)}, or correct --backend-store-uri.", e)
                : e;
        }
    }

    /// <summary>
    /// Runs <paramref name="work"/> in a transaction and returns when it is durable. What another transaction or a failing connection undoes is done again,
    /// so the work may run more than once.
    /// </summary>
    /// <param name="work">What to do.</param>
    /// <param name="isIdempotent">Whether it may also be done again when nobody knows whether it is done, because the connection broke during the commit.</param>
    /// <param name="cancellationToken">Stops it before the commit.</param>
    public async Task<T> WriteAsync<T>(Func<PostgresSession, Task<T>> work, bool isIdempotent, CancellationToken cancellationToken)
    {
        for (var (attempt, start) = (0, Stopwatch.GetTimestamp()); ; attempt++)
        {
            var isCommitting = false;
            var began = TimeProvider.GetTimestamp();
            try
            {
                var connection = await _writers.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
                await using (connection.ConfigureAwait(false))
                {
                    var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
                    await using (transaction.ConfigureAwait(false))
                    {
                        var result = await work(new PostgresSession(connection, transaction, _arrivals, TimeProvider) { Blobs = SpanBlobs }).ConfigureAwait(false);
                        cancellationToken.ThrowIfCancellationRequested();
                        isCommitting = true;
                        await CommitAsync(connection, transaction).ConfigureAwait(false);
                        _meter?.Committed(TimeProvider.GetElapsedTime(began));
                        return result;
                    }
                }
            }
            catch (Exception e) when (e is not (MlflowException or OperationCanceledException))
            {
                if (isCommitting && !isIdempotent && PostgresFailure.Passes(e) && !PostgresFailure.IsUndone(e))
                {
                    throw new MlflowException(
                        ErrorCode.TEMPORARILY_UNAVAILABLE, $"The connection to the database broke while it committed, and it is not known whether it did: {PostgresFailure.Text(e)} Look before sending the request again.", e);
                }

                await WaitAsync(e, attempt, start, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Whether a statement finds anything, in what has been committed by now.</summary>
    public async Task<bool> IsAnyAsync(string sql, params IReadOnlyList<PostgresValue> values)
    {
        for (var (attempt, start) = (0, Stopwatch.GetTimestamp()); ; attempt++)
        {
            try
            {
                var connection = await _writers.OpenConnectionAsync().ConfigureAwait(false);
                await using (connection.ConfigureAwait(false))
                {
                    return (await new PostgresSession(connection, null, _arrivals, TimeProvider).QueryAsync(sql, _ => true, values).ConfigureAwait(false)).Count > 0;
                }
            }
            catch (Exception e) when (e is not MlflowException)
            {
                await WaitAsync(e, attempt, start, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    /// <summary>
    /// Runs statements that no transaction may stand around, on the primary. They are not tried again.
    /// </summary>
    public async Task RunAsync(Func<PostgresSession, Task> work, CancellationToken cancellationToken)
    {
        var connection = await _writers.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            await work(new PostgresSession(connection, null, _arrivals, TimeProvider) { CommandTimeout = 0, CancellationToken = cancellationToken }).ConfigureAwait(false);
        }
    }

    /// <summary>Reads, all of one moment, whatever was written before.</summary>
    public Task<T> ReadAsync<T>(Func<PostgresSession, Task<T>> read, CancellationToken cancellationToken) => ReadAsync(read, null, cancellationToken);

    /// <summary>
    /// Reads one statement on the calling thread, from the primary: who may do what is read as it is now. While the database is away this waits, as all reads do.
    /// </summary>
    public List<T> ReadNow<T>(string sql, Func<PostgresRow, T> read, params IReadOnlyList<PostgresValue> values)
    {
        for (var (attempt, start) = (0, Stopwatch.GetTimestamp()); ; attempt++)
        {
            try
            {
                using var connection = _writers.OpenConnection();
                return new PostgresSession(connection, null, _arrivals, TimeProvider).Query(sql, read, values);
            }
            catch (Exception e) when (e is not MlflowException)
            {
                WaitAsync(e, attempt, start, CancellationToken.None).GetAwaiter().GetResult();
            }
        }
    }

    /// <summary>
    /// Reads as long as a search may take, from a standby where the URI wants that: what was written some moments ago may be missing.
    /// What the caller made too costly is ended with the clock's reason.
    /// </summary>
    /// <exception cref="MlflowException">BAD_REQUEST: the time is over.</exception>
    /// <exception cref="OperationCanceledException">Nobody waits for the answer.</exception>
    public async Task<T> SearchAsync<T>(Func<PostgresSession, SearchClock, Task<T>> search, CancellationToken cancellationToken)
    {
        var clock = new SearchClock(TimeProvider, _searchTimeout, cancellationToken);
        try
        {
            return await ReadAsync(session => search(session, clock), Math.Max(1, (long)_searchTimeout.TotalMilliseconds), cancellationToken).ConfigureAwait(false);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.QueryCanceled)
        {
            throw clock.Reason(e);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.FeatureNotSupported)
        {
            throw new MlflowException(
                ErrorCode.INVALID_PARAMETER_VALUE,
                $"The database is distributed over several machines, and cannot answer this search there: {PostgresFailure.Text(e)} Leave out conditions on feedback, expectations and issues, and all but one on run_id.",
                e);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedFunction)
        {
            // Filters are checked; only a token can bring a text where the order has a number.
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, "Invalid page token: pass the next_page_token of the page before, with the same order_by.", e);
        }
        finally
        {
            _meter?.Searched(clock.Elapsed);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Writer.DisposeAsync().ConfigureAwait(false);
        Interlocked.Exchange(ref _isClosing, 1);
        await Upkeep.DisposeAsync().ConfigureAwait(false);
        await _feed.DisposeAsync().ConfigureAwait(false);
        await _sources.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>What is written needs the primary of several hosts, and what is read may have been written just before. Searches go where the URI says; without a word of it they go there too.</summary>
    private static (NpgsqlDataSource All, NpgsqlDataSource Writers, NpgsqlDataSource Readers) Sources(NpgsqlConnectionStringBuilder settings)
    {
        var target = PostgresUri.TargetOf(settings);
        settings.TargetSessionAttributes = null;
        if (!settings.Host!.Contains(',', StringComparison.Ordinal))
        {
            var one = NpgsqlDataSource.Create(settings);
            return (one, one, one);
        }

        var sources = new NpgsqlDataSourceBuilder(settings.ConnectionString).BuildMultiHost();
        return (sources, sources.WithTargetSession(TargetSessionAttributes.Primary), sources.WithTargetSession(target ?? TargetSessionAttributes.Primary));
    }

    /// <summary>
    /// Commits. When the wait for a synchronous standby is given up, because it takes too long or somebody ends it, the database only warns:
    /// the standby may not have the transaction, and would not when it takes over.
    /// </summary>
    private static async Task CommitAsync(NpgsqlConnection connection, NpgsqlTransaction transaction)
    {
        PostgresNotice? warning = null;
        NoticeEventHandler listen = (_, e) => warning = e.Notice.InvariantSeverity == "WARNING" ? e.Notice : warning;
        connection.Notice += listen;
        try
        {
            await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            connection.Notice -= listen;
        }

        if (warning is not null)
        {
            throw new NpgsqlException($"{warning.MessageText}: {warning.Detail}");
        }
    }

    /// <summary>Reads from the primary; what takes a limited time may be read from a standby, where the URI wants that.</summary>
    private async Task<T> ReadAsync<T>(Func<PostgresSession, Task<T>> read, long? timeoutMs, CancellationToken cancellationToken)
    {
        var source = timeoutMs is null ? _writers : _readers;
        for (var (attempt, start) = (0, Stopwatch.GetTimestamp()); ; attempt++)
        {
            try
            {
                var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
                await using (connection.ConfigureAwait(false))
                {
                    var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken).ConfigureAwait(false);
                    await using (transaction.ConfigureAwait(false))
                    {
                        // The server ends the statement; ours is for a server that does not answer.
                        var session = new PostgresSession(connection, transaction, _arrivals, TimeProvider)
                        {
                            CommandTimeout = timeoutMs is null ? null : (int)(timeoutMs / 1000) + 5,
                            CancellationToken = cancellationToken,
                            Blobs = SpanBlobs,
                        };
                        if (timeoutMs is not null)
                        {
                            // A filter of many conditions takes longer to compile than to answer, and which index helps depends on what is looked for.
                            await session.ExecuteAsync(string.Create(
                                System.Globalization.CultureInfo.InvariantCulture, $"SET LOCAL statement_timeout = {timeoutMs}; SET LOCAL jit = off; SET LOCAL plan_cache_mode = force_custom_plan")).ConfigureAwait(false);
                        }

                        return await read(session).ConfigureAwait(false);
                    }
                }
            }
            catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn && source != _writers)
            {
                // A migration has not come to the standby yet.
                source = _writers;
            }
            catch (Exception e) when (e is not (MlflowException or OperationCanceledException) && !(e is PostgresException { SqlState: PostgresErrorCodes.QueryCanceled } && timeoutMs is not null))
            {
                await WaitAsync(e, attempt, start, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Waits before the next attempt, or throws where another one is of no use.</summary>
    private async Task WaitAsync(Exception failure, int attempt, long start, CancellationToken cancellationToken)
    {
        if (!PostgresFailure.Passes(failure) || Stopwatch.GetElapsedTime(start) > RetryFor || Volatile.Read(ref _isClosing) != 0)
        {
            throw PostgresFailure.Tell(failure);
        }

        var delay = FirstDelay * Math.Pow(2, Math.Min(attempt, 10)) * (0.5 + Random.Shared.NextDouble());
        await Task.Delay(delay < MaxDelay ? delay : MaxDelay, TimeProvider.System, cancellationToken).ConfigureAwait(false);
    }
}
