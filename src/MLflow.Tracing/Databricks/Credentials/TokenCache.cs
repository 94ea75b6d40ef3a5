namespace MLflow;

/// <summary>
/// Keeps a token until shortly before its end. However many ask, one request for a new one is under way. Time is measured from the moment a token came, by a clock that
/// nobody sets, so the clocks of this machine and the workspace may differ.
/// </summary>
internal sealed class TokenCache
{
    /// <summary>A token with less than this is not used: Azure's workspaces reject those of less than 30 seconds.</summary>
    public static readonly TimeSpan Margin = TimeSpan.FromSeconds(40);

    /// <summary>From here to its end a token is used while the next one is fetched, or from half of its life where that is less.</summary>
    public static readonly TimeSpan LongestStale = TimeSpan.FromMinutes(20);

    /// <summary>After a fetch ahead of time has failed.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan FetchTimeout = TimeSpan.FromSeconds(60);

    private readonly ITokenSource _source;
    private readonly TimeProvider _timeProvider;
    private readonly bool _refreshesAhead;
    private readonly Lock _lock = new();
    private AccessToken? _token;
    private long _since;
    private Task<AccessToken>? _fetch;
    private long? _failedAt;

    public TokenCache(ITokenSource source, TimeProvider timeProvider, bool refreshesAhead)
    {
        _source = source;
        _timeProvider = timeProvider;
        _refreshesAhead = refreshesAhead;
    }

    public string Origin => _source.Origin;

    /// <exception cref="ExportFailureException">There is none now.</exception>
    public async ValueTask<AccessToken> GetAsync(CancellationToken cancellationToken)
    {
        Task<AccessToken> fetch;
        lock (_lock)
        {
            if (_token is { } token && Left(token) is var left && left > Margin)
            {
                if (_refreshesAhead && _fetch is null && left < Stale(token) && !(_failedAt is { } failed && _timeProvider.GetElapsedTime(failed) < Pause))
                {
                    // Nobody waits for it: who asks after its end gets what it brought.
                    _ = Begin();
                }

                return token;
            }

            fetch = _fetch ?? Begin();
        }

        return await fetch.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The workspace refused this token, whatever is known of its end.</summary>
    public void Forget(string value)
    {
        lock (_lock)
        {
            if (_token?.Value == value)
            {
                _token = null;
            }
        }
    }

    private TimeSpan Left(AccessToken token) => token.Lifetime is { } lifetime ? lifetime - _timeProvider.GetElapsedTime(_since) : TimeSpan.MaxValue;

    private static TimeSpan Stale(AccessToken token) => token.Lifetime is { } lifetime ? TimeSpan.FromTicks(Math.Min(lifetime.Ticks / 2, LongestStale.Ticks)) : TimeSpan.Zero;

    private Task<AccessToken> Begin()
    {
        // On the pool and without a flow: the one who happens to ask first must not cancel it, and what that one does must not have anything to do with it.
        Task<AccessToken> fetch;
        using (ExecutionContext.IsFlowSuppressed() ? (AsyncFlowControl?)null : ExecutionContext.SuppressFlow())
        {
            fetch = Task.Run(FetchAsync);
        }

        _fetch = fetch;

        // Nobody may be waiting for a fetch ahead of time.
        _ = fetch.ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return fetch;
    }

    private async Task<AccessToken> FetchAsync()
    {
        AccessToken? token = null;
        try
        {
            using var deadline = new CancellationTokenSource(FetchTimeout, _timeProvider);
            token = await _source.FetchAsync(deadline.Token).ConfigureAwait(false);
            return token;
        }
        catch (OperationCanceledException)
        {
            throw new ExportFailureException(ExportFailureKind.Busy, DropReasons.Timeout, $"No access token came within {FetchTimeout.TotalSeconds:0} seconds ({Origin}).");
        }
        finally
        {
            lock (_lock)
            {
                _fetch = null;
                _failedAt = token is null ? _timeProvider.GetTimestamp() : null;
                if (token is not null)
                {
                    (_token, _since) = (token, _timeProvider.GetTimestamp());
                }
            }
        }
    }
}
