using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>
/// Quotas of the workspace. Fact sheet §1.12: so many requests in a second, and what is more is answered with 429 and <c>Retry-After</c>. Who comes back before that time
/// is refused again, and counted.
/// </summary>
internal sealed class WorkspaceQuotas(TimeProvider clock)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<QuotaGroup, State> _groups = new()
    {
        [QuotaGroup.CreateTraces] = new State { PerSecond = 200 },
        [QuotaGroup.GetTraces] = new State { PerSecond = 200 },
        [QuotaGroup.SearchTraces] = new State { PerSecond = 25 },

        // Whatever an endpoint's own limits are; none to begin with.
        [QuotaGroup.ServeModels] = new State { PerSecond = int.MaxValue },
    };

    /// <summary>Requests that came before the time they were told.</summary>
    public int Impatient { get; private set; }

    /// <summary>Requests that were refused, the impatient ones among them.</summary>
    public int Refused { get; private set; }

    /// <summary>Whether <c>Retry-After</c> is a date instead of seconds.</summary>
    public bool TellsDates { get; set; }

    public void Limit(QuotaGroup group, int perSecond)
    {
        lock (_lock)
        {
            _groups[group].PerSecond = perSecond;
        }
    }

    /// <summary>Refuses the next requests, each with this time to wait.</summary>
    public void RefuseNext(QuotaGroup group, int count, TimeSpan retryAfter)
    {
        lock (_lock)
        {
            _groups[group].Storm = count;
            _groups[group].StormWait = retryAfter;
        }
    }

    /// <returns>False when the request was refused and answered.</returns>
    public async Task<bool> TryTakeAsync(HttpContext context, QuotaGroup group)
    {
        if (Take(group) is not { } wait)
        {
            return true;
        }

        context.Response.Headers.RetryAfter = TellsDates
            ? clock.GetUtcNow().Add(wait).AddMilliseconds(1).ToString("R", CultureInfo.InvariantCulture)
            : ((int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);

        // The code stands in the protocol sheet §1.4; the exact text is not known (fact sheet §9).
        await ApiAnswers.RefuseAsync(context, 429, "REQUEST_LIMIT_EXCEEDED", "The quota of this workspace is exceeded.");
        return false;
    }

    private TimeSpan? Take(QuotaGroup group)
    {
        lock (_lock)
        {
            var state = _groups[group];
            var now = clock.GetUtcNow();
            if (now < state.NotBefore)
            {
                Refused++;
                Impatient++;
                return state.NotBefore - now;
            }

            if (now - state.Window >= TimeSpan.FromSeconds(1))
            {
                (state.Window, state.Taken) = (now, 0);
            }

            if (state.Storm > 0)
            {
                state.Storm--;
                return Refuse(state, now, state.StormWait);
            }

            return ++state.Taken <= state.PerSecond ? null : Refuse(state, now, TimeSpan.FromSeconds(1));
        }
    }

    private TimeSpan Refuse(State state, DateTimeOffset now, TimeSpan wait)
    {
        Refused++;
        state.NotBefore = now + wait;
        if (TellsDates)
        {
            // Dates are whole seconds.
            state.NotBefore = new DateTimeOffset((state.NotBefore.Ticks + TimeSpan.TicksPerSecond - 1) / TimeSpan.TicksPerSecond * TimeSpan.TicksPerSecond, TimeSpan.Zero);
        }

        return state.NotBefore - now;
    }

    private sealed class State
    {
        public int PerSecond { get; set; }

        public DateTimeOffset Window { get; set; }

        public int Taken { get; set; }

        public int Storm { get; set; }

        public TimeSpan StormWait { get; set; }

        public DateTimeOffset NotBefore { get; set; }
    }
}
