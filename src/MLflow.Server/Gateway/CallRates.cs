using System.Collections.Concurrent;
using MLflow.Server.Storage;

namespace MLflow.Server.Gateway;

/// <summary>
/// Counts calls against rate limits. What other servers of the database have let through is known of limits by hour and day; of others, each server counts its own.
/// </summary>
internal sealed class CallRates
{
    /// <summary>Counters that are kept; when there are more, those whose period is over go first, and then all.</summary>
    private const int MaxKept = 100_000;

    private readonly ConcurrentDictionary<(string EndpointId, RateLimit Limit, string Whose), Counter> _counters = new();
    private readonly IGatewayStore _store;
    private readonly TimeProvider _timeProvider;

    public CallRates(IGatewayStore store, TimeProvider timeProvider)
    {
        _store = store;
        _timeProvider = timeProvider;
    }

    /// <summary>Counts a call, unless one of the limits but those of models is reached.</summary>
    /// <exception cref="GatewayRefusal">429, and when there is room again.</exception>
    public void Take(GatewayEndpoint endpoint, string user, string token)
    {
        if (TryTake(endpoint, limit => limit.Key switch { "model" => null, "user" => user, "token" => token, _ => "" }) is { } refusal)
        {
            throw refusal;
        }
    }

    /// <summary>Counts a call that goes to a model of the endpoint, unless one of its limits for models is reached.</summary>
    /// <returns>429, and when there is room again; null where it was counted.</returns>
    public GatewayRefusal? TryTakeModel(GatewayEndpoint endpoint, string modelId) => TryTake(endpoint, limit => limit.Key == "model" ? modelId : null);

    /// <summary>Calls that were let through here are about to be written down for all servers.</summary>
    public void Written(GatewayEndpoint endpoint, GatewayUsage usage)
    {
        foreach (var limit in endpoint.RateLimits)
        {
            if (limit.IsShared && _counters.TryGetValue((endpoint.Id, limit, limit.Key == "user" ? usage.User : ""), out var counter))
            {
                counter.Written(usage);
            }
        }
    }

    /// <param name="endpoint">The endpoint.</param>
    /// <param name="whose">Of a limit, by whom it is counted; null for one that is not asked about.</param>
    private GatewayRefusal? TryTake(GatewayEndpoint endpoint, Func<RateLimit, string?> whose)
    {
        if (endpoint.RateLimits.Count == 0)
        {
            return null;
        }

        var now = _timeProvider.GetUtcNow();
        var taken = new List<Counter>();
        foreach (var limit in endpoint.RateLimits)
        {
            if (whose(limit) is not { } who)
            {
                continue;
            }

            if (!_counters.TryGetValue((endpoint.Id, limit, who), out var counter))
            {
                // To count them takes all locks of the dictionary.
                Trim(now);
                counter = _counters.GetOrAdd((endpoint.Id, limit, who), _ => new Counter());
            }

            TimeSpan? full;
            try
            {
                full = counter.TryTake(now, limit, start => _store.GetCalls(start.ToUnixTimeMilliseconds(), endpoint.Id, limit.Key == "user" ? who : null));
            }
            catch
            {
                taken.ForEach(other => other.Return());
                throw;
            }

            if (full is not { } wait)
            {
                taken.Add(counter);
                continue;
            }

            taken.ForEach(other => other.Return());
            return new GatewayRefusal(
                StatusCodes.Status429TooManyRequests,
                "rate_limit_error",
                "rate_limit_exceeded",
                FormattableString.Invariant($"Rate limit of endpoint '{endpoint.Name}' reached: {limit.Calls} calls per {limit.RenewalPeriod} for each {limit.Key}. Try again in {Math.Ceiling(wait.TotalSeconds)} seconds."),
                wait);
        }

        return null;
    }

    /// <summary>How much of a limit is used in the period that goes on; of several users or keys, by the one that has used most.</summary>
    public long Used(GatewayEndpoint endpoint, RateLimit limit)
    {
        var now = _timeProvider.GetUtcNow();
        return _counters.Where(counter => counter.Key.EndpointId == endpoint.Id && counter.Key.Limit == limit).Select(counter => counter.Value.CountAt(now)).DefaultIfEmpty(0).Max();
    }

    private void Trim(DateTimeOffset now)
    {
        if (_counters.Count < MaxKept)
        {
            return;
        }

        foreach (var (key, counter) in _counters)
        {
            if (counter.IsOver(now))
            {
                _counters.TryRemove(key, out _);
            }
        }

        if (_counters.Count >= MaxKept)
        {
            _counters.Clear();
        }
    }

    private sealed class Counter
    {
        private readonly Lock _lock = new();
        private DateTimeOffset _start;
        private DateTimeOffset _end;
        private DateTimeOffset? _readAt;
        private long _count;
        private long _written;
        private long _ofOthers;

        /// <param name="now">The time.</param>
        /// <param name="limit">The limit.</param>
        /// <param name="stored">Of a shared limit, the calls since then that all servers have written down.</param>
        /// <returns>How long to wait; null where it was counted.</returns>
        public TimeSpan? TryTake(DateTimeOffset now, RateLimit limit, Func<DateTimeOffset, long> stored)
        {
            DateTimeOffset? stale = null;
            lock (_lock)
            {
                if (now >= _end)
                {
                    // All servers must mean the same hour or day.
                    _start = limit.IsShared ? new DateTimeOffset(now.UtcTicks - (now.UtcTicks % limit.Period.Ticks), TimeSpan.Zero) : now;
                    _end = _start + limit.Period;
                    (_count, _written, _ofOthers, _readAt) = (0, 0, 0, null);
                }

                if (limit.IsShared && _readAt is null)
                {
                    // Nothing is known yet that others could go by.
                    (_ofOthers, _readAt) = (Math.Max(0, stored(_start) - _written), now);
                }
                else if (limit.IsShared && now - _readAt >= BudgetBook.Freshness)
                {
                    (stale, _readAt) = (_start, now);
                }
            }

            // Others go by what was known meanwhile: the database may be slow.
            var read = stale is { } since ? stored(since) : 0;
            lock (_lock)
            {
                if (stale == _start)
                {
                    // It only grows: what looks less is own calls that are about to be written.
                    _ofOthers = Math.Max(_ofOthers, read - _written);
                }

                if (_ofOthers + _count >= limit.Calls)
                {
                    return _end - now;
                }

                _count++;
                return null;
            }
        }

        public void Written(GatewayUsage usage)
        {
            lock (_lock)
            {
                if (usage.HourMs >= _start.ToUnixTimeMilliseconds() && usage.HourMs < _end.ToUnixTimeMilliseconds())
                {
                    _written += usage.Calls;
                }
            }
        }

        public void Return()
        {
            lock (_lock)
            {
                _count--;
            }
        }

        public long CountAt(DateTimeOffset now)
        {
            lock (_lock)
            {
                return now >= _end ? 0 : _ofOthers + _count;
            }
        }

        public bool IsOver(DateTimeOffset now)
        {
            lock (_lock)
            {
                return now >= _end;
            }
        }
    }
}
