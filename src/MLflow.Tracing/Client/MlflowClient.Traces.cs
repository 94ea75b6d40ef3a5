using System.Buffers;
using System.Diagnostics;

namespace MLflow;

/// <content>What reads and changes stored traces.</content>
public sealed partial class MlflowClient
{
    /// <summary>Ids in one request to delete, as MLflow's client sends them.</summary>
    internal const int DeleteBatch = 100;

    private static readonly SearchValues<char> LowerHex = SearchValues.Create("0123456789abcdef");

    /// <summary>Tags that tell what a trace is; changing them would only break it.</summary>
    private static readonly string[] ImmutableTags = [TraceKeys.SourceUser, TraceKeys.ArtifactLocation];

    /// <summary>Reads a trace back from the server that new traces go to. One that ended a moment ago is sent first.</summary>
    /// <param name="traceId">For example what <see cref="GetLastActiveTraceId"/> gave.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="TraceNotFoundException">The server has no trace of that id.</exception>
    /// <exception cref="MlflowException">The server could not be reached, or refused.</exception>
    /// <exception cref="FormatException">The server's answer is no trace.</exception>
    public Task<TraceRecord> GetTraceAsync(string traceId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(traceId);
        var download = new TraceDownload(Api());

        // There what is not seen yet cannot be told from what is not there, and is looked for a while.
        return CatalogLocation.TryParseId(traceId, out _, out _)
            ? AfterFlushAsync(() => download.GetAsync(traceId, cancellationToken), cancellationToken)
            : OnceSentAsync(() => download.GetAsync(traceId, cancellationToken), cancellationToken);
    }

    /// <summary>
    /// Searches the traces of the server that new traces go to. They are fetched as they are read, page by page; stop reading, and no more is fetched.
    /// What has not been flushed yet is not found.
    /// </summary>
    /// <param name="filter">
    /// MLflow's filter, conditions joined by <c>AND</c>: <c>trace.status = 'ERROR' AND span.type = 'TOOL' AND tags.tier = 'gold' AND execution_time_ms > 500</c>.
    /// Null: every trace.
    /// </param>
    /// <param name="options">In which experiments, in which order, how many, with spans or without.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <returns>The traces. Reading them throws what this method does not: <see cref="MlflowException"/> and <see cref="FormatException"/>.</returns>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="MlflowException">The filter or the order is wrong, a named experiment does not exist, or the server could not be reached.</exception>
    public IAsyncEnumerable<TraceRecord> SearchTracesAsync(string? filter = null, TraceSearchOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new TraceSearchOptions();
        RequireCount(options.PageSize, 500, nameof(TraceSearchOptions.PageSize));
        RequireCount(options.MaxResults ?? 1, int.MaxValue, nameof(TraceSearchOptions.MaxResults));
        if (options.RunId?.Contains('\'', StringComparison.Ordinal) == true)
        {
            throw new ArgumentException($"The run id '{options.RunId}' has a quote in it; ids of runs are letters and digits.", nameof(options));
        }

        return SearchAsync(Destination, filter, options, cancellationToken);
    }

    /// <summary>Deletes traces with all that belongs to them. Ids that the experiment does not have are passed over.</summary>
    /// <param name="experimentId">Id of the experiment they lie in (<see cref="TraceRecord.ExperimentId"/>).</param>
    /// <param name="traceIds">The traces.</param>
    /// <param name="cancellationToken">Ends the wait; requests that were sent are not undone.</param>
    /// <returns>How many were deleted.</returns>
    /// <exception cref="MlflowException">The server could not be reached, or refused.</exception>
    public async Task<int> DeleteTracesAsync(string experimentId, IEnumerable<string> traceIds, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(experimentId);
        RequireExperiment(experimentId);
        ArgumentNullException.ThrowIfNull(traceIds);
        var api = Api();
        var deleted = 0;
        foreach (var batch in traceIds.Chunk(DeleteBatch))
        {
            deleted += await DeleteAsync(api, ScratchJson.Write((experimentId, batch), static (json, s) =>
            {
                json.WriteStartObject();
                json.WriteString("experiment_id", s.experimentId);
                json.WriteStartArray("request_ids");
                foreach (var id in s.batch)
                {
                    json.WriteStringValue(id);
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }), cancellationToken).ConfigureAwait(false);
        }

        return deleted;
    }

    /// <summary>Deletes the traces that began at a time or before, with all that belongs to them.</summary>
    /// <param name="experimentId">Id of the experiment.</param>
    /// <param name="until">The latest time of a trace to delete; milliseconds count.</param>
    /// <param name="maxTraces">At most so many, the oldest first. Null: all of them.</param>
    /// <param name="cancellationToken">Ends the wait; a request that was sent is not undone.</param>
    /// <returns>How many were deleted.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxTraces"/> is not positive.</exception>
    /// <exception cref="MlflowException">The server could not be reached, or refused.</exception>
    public Task<int> DeleteTracesUntilAsync(string experimentId, DateTimeOffset until, int? maxTraces = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(experimentId);
        RequireExperiment(experimentId);
        RequireCount(maxTraces ?? 1, int.MaxValue, nameof(maxTraces));
        return DeleteAsync(Api(), ScratchJson.Write((experimentId, until, maxTraces), static (json, s) =>
        {
            json.WriteStartObject();
            json.WriteString("experiment_id", s.experimentId);
            json.WriteNumber("max_timestamp_millis", s.until.ToUnixTimeMilliseconds());
            if (s.maxTraces is { } limit)
            {
                json.WriteNumber("max_traces", limit);
            }

            json.WriteEndObject();
        }), cancellationToken);
    }

    /// <summary>
    /// Sets a tag of a trace, replacing its value. A trace of this process that still runs gets it at once and without a request; one that ended a moment ago is sent first.
    /// </summary>
    /// <param name="traceId">The trace.</param>
    /// <param name="key">At most 250 letters, digits and <c>_-. :/</c>.</param>
    /// <param name="value">Cut by the server to 8,000 characters.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArgumentException">The key is one that cannot be changed.</exception>
    /// <exception cref="MlflowException">There is no such trace, the server refused the key, or it could not be reached.</exception>
    public Task SetTraceTagAsync(string traceId, string key, string value, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(traceId);
        ArgumentNullException.ThrowIfNull(value);
        RequireMutable(key);
        return RunningTrace(traceId)?.TryUpdate(new TraceUpdate { Tags = { [key] = value } }) == true
            ? Task.CompletedTask
            : ChangeTagAsync(traceId, key, Outlet.Privacy.Facts().Redact(key, value), cancellationToken);
    }

    /// <summary>Deletes a tag of a trace; of a trace of this process that still runs at once and without a request, whether it was set or not.</summary>
    /// <param name="traceId">The trace.</param>
    /// <param name="key">The tag's key.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArgumentException">The key is one that cannot be changed.</exception>
    /// <exception cref="MlflowException">There is no such trace or no such tag, or the server could not be reached.</exception>
    public Task DeleteTraceTagAsync(string traceId, string key, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(traceId);
        RequireMutable(key);
        return RunningTrace(traceId)?.TryRemoveTag(key) == true
            ? Task.CompletedTask
            : ChangeTagAsync(traceId, key, null, cancellationToken);
    }

    /// <summary>MLflow has no request to delete traces of Unity Catalog.</summary>
    private static void RequireExperiment(string experimentId)
    {
        if (CatalogLocation.TryParse(experimentId, out var place))
        {
            throw new ArgumentException($"'{experimentId}' is a place in Unity Catalog, whose traces are deleted with SQL from the table {place.SpansTable}.", nameof(experimentId));
        }
    }

    private static async Task<int> DeleteAsync(TrackingApi api, byte[] body, CancellationToken cancellationToken)
    {
        var answer = await api.WriteAsync(HttpMethod.Post, "/api/2.0/mlflow/traces/delete-traces", body, cancellationToken).ConfigureAwait(false);
        return ApiJson.Read(answer, root => ApiJson.Member(root, "traces_deleted")?.GetInt32() ?? 0);
    }

    /// <param name="traceId">The trace.</param>
    /// <param name="key">The tag's key.</param>
    /// <param name="value">Null deletes it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    private Task<bool> ChangeTagAsync(string traceId, string key, string? value, CancellationToken cancellationToken)
    {
        var api = Api();
        return OnceSentAsync(
            async () =>
            {
                var catalog = CatalogTraces.For(api, traceId, out var location, out var hex);
                await ((catalog, value) switch
                {
                    (null, null) => api.WriteAsync(HttpMethod.Delete, Path(), ApiJson.Fields(("key", key)), cancellationToken),
                    (null, _) => api.WriteAsync(HttpMethod.Patch, Path(), ApiJson.Fields(("key", key), ("value", value)), cancellationToken),
                    (_, null) => catalog.DeleteTagAsync(location, hex, key, cancellationToken),
                    _ => catalog.SetTagAsync(location, hex, key, value, cancellationToken),
                }).ConfigureAwait(false);
                return true;
            },
            cancellationToken);

        string Path() => $"/api/2.0/mlflow/traces/{Uri.EscapeDataString(traceId)}/tags";
    }

    private async Task<T> AfterFlushAsync<T>(Func<Task<T>> ask, CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        return await ask().ConfigureAwait(false);
    }

    private async IAsyncEnumerable<TraceRecord> SearchAsync(
        TraceDestination destination,
        string? filter,
        TraceSearchOptions options,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var api = Api(destination.TrackingUri);
        var experimentIds = await ExperimentIdsAsync(new ExperimentApi(api), destination, options, cancellationToken).ConfigureAwait(false);
        if (experimentIds.Count == 0)
        {
            yield break;
        }

        await foreach (var trace in new TraceSearch(api, experimentIds, filter, options).RunAsync(cancellationToken).ConfigureAwait(false))
        {
            yield return trace;
        }
    }

    private static async Task<IReadOnlyList<string>> ExperimentIdsAsync(
        ExperimentApi experiments, TraceDestination destination, TraceSearchOptions options, CancellationToken cancellationToken)
    {
        if (options.Experiments.Count == 0 && options.ExperimentIds.Count == 0)
        {
            if (destination.ExperimentId is { } id)
            {
                return [id];
            }

            // One that does not exist yet has no traces: it is created with the first.
            return await experiments.FindAsync(destination.ExperimentName!, cancellationToken).ConfigureAwait(false) is { } found ? [found.ExperimentId] : [];
        }

        var ids = new List<string>(options.ExperimentIds);
        foreach (var name in options.Experiments)
        {
            var named = await experiments.FindAsync(name, cancellationToken).ConfigureAwait(false)
                ?? throw new MlflowException($"There is no experiment '{name}' on the server at {destination.TrackingUri.Host}: is its name written as it was set?") { ErrorCode = MlflowErrorCode.ResourceDoesNotExist };
            ids.Add(named.ExperimentId);
        }

        return [.. ids.Distinct()];
    }

    /// <summary>The trace of that id where it runs, in this flow or another: what is said of it goes along when it is sent.</summary>
    private ActiveTrace? RunningTrace(string traceId)
    {
        if (Tracer.Current?.Trace is { } trace && trace.TraceId == traceId)
        {
            return trace;
        }

        const int digits = 32;
        if (CatalogLocation.TryParseId(traceId, out _, out var hex))
        {
            traceId = "tr-" + hex;
        }

        return traceId.StartsWith("tr-", StringComparison.Ordinal) && traceId.Length == 3 + digits && traceId.AsSpan(3).IndexOfAnyExcept(LowerHex) < 0
            ? Tracer.Running.Find(ActivityTraceId.CreateFromString(traceId.AsSpan(3)))
            : null;
    }

    private TrackingApi Api() => Api(Destination.TrackingUri);

    private TrackingApi Api(Uri address) => new(address, Tracer.TimeProvider, _credentials, _workspaces.Find(address));

    /// <summary>Asks, and where the server does not know the trace, sends what waits and asks again: it may have ended a moment ago.</summary>
    private async Task<T> OnceSentAsync<T>(Func<Task<T>> ask, CancellationToken cancellationToken)
    {
        try
        {
            return await ask().ConfigureAwait(false);
        }
        catch (MlflowException e) when (e.IsMissing || e.ErrorCode == MlflowErrorCode.BadRequest)
        {
            // MLflow's own server tells a missing trace by the error of its database.
            await FlushAsync(cancellationToken).ConfigureAwait(false);
        }

        return await ask().ConfigureAwait(false);
    }

    private static void RequireMutable(string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        if (ImmutableTags.Contains(key))
        {
            throw new ArgumentException($"The tag '{key}' belongs to the server and cannot be changed.", nameof(key));
        }
    }

    private static void RequireCount(int value, int max, string name)
    {
        if (value < 1 || value > max)
        {
            throw new ArgumentOutOfRangeException(name, value, $"{name} is {value}: it must be {(max == int.MaxValue ? "1 or more" : $"1 to {max}")}.");
        }
    }
}
