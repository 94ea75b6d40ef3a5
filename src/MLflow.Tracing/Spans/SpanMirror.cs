using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace MLflow;

/// <summary>
/// A span's double among the program's activities, for whoever listens to the source <c>MLflow.Tracing</c>: an OpenTelemetry SDK, for example. Where nobody does there is none,
/// and nothing is paid for it. It tells model, tokens and kind of work, never content, which goes to MLflow alone.
/// </summary>
internal sealed class SpanMirror
{
    private static readonly ActivitySource Source = new(SdkInfo.Name, SdkInfo.Version);

    // Beside the spans, since those that have no double should not be larger for it.
    private static readonly ConditionalWeakTable<LiveSpan, SpanMirror> Mirrors = [];
    private static int _running;

    private readonly Activity _activity;
    private Activity? _outer;

    private SpanMirror(Activity activity, Activity? outer)
    {
        _activity = activity;
        _outer = outer;
    }

    /// <summary>Somebody listens.</summary>
    public static bool IsWanted => Source.HasListeners();

    /// <summary>There are doubles whose spans run.</summary>
    public static bool Any => Volatile.Read(ref _running) > 0;

    /// <param name="span">A span that has just started.</param>
    /// <param name="makeCurrent">It is the current one: what the program starts now belongs below its double.</param>
    /// <param name="madeOf">The framework's activity that the span was made of. Where others hear of that, there is no second one.</param>
    public static void Start(LiveSpan span, bool makeCurrent, Activity? madeOf)
    {
        if (madeOf is not null && AdoptedActivity.IsHeardByOthers(madeOf))
        {
            return;
        }

        try
        {
            var current = Activity.Current;
            var parent = ParentOf(span, madeOf is null ? current : madeOf.Parent);
            var activity = Start(span, parent, current);
            if (activity is not null)
            {
                Mirrors.Add(span, new SpanMirror(activity, current));
                Interlocked.Increment(ref _running);
            }

            Activity.Current = activity is not null && makeCurrent ? activity : current;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A listener is others' code.
        }
    }

    /// <summary>Makes a span's double the current activity of this flow, as its span is the current one.</summary>
    public static void Enter(LiveSpan span)
    {
        if (Mirrors.TryGetValue(span, out var mirror) && !IsWithin(Activity.Current, mirror._activity))
        {
            mirror._outer = Activity.Current;
            Activity.Current = mirror._activity;
        }
    }

    /// <summary>The span is no longer current in this flow. What the program has made current in between stays.</summary>
    public static void Leave(LiveSpan span)
    {
        if (Mirrors.TryGetValue(span, out var mirror))
        {
            mirror.Leave();
        }
    }

    public static Activity? ActivityOf(LiveSpan span) => Mirrors.TryGetValue(span, out var mirror) ? mirror._activity : null;

    /// <summary>The span has ended and no longer changes.</summary>
    public static void End(LiveSpan span)
    {
        if (!Mirrors.TryGetValue(span, out var mirror) || !Mirrors.Remove(span))
        {
            return;
        }

        Interlocked.Decrement(ref _running);
        mirror.Leave();
        var current = Activity.Current;
        try
        {
            var activity = mirror._activity;
            if (activity.IsAllDataRequested)
            {
                MirrorFacts.Write(activity, span);
            }

            activity.SetEndTime(UnixNano.ToTime(span.EndNs).UtcDateTime);
            activity.Stop();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A listener is others' code.
        }
        finally
        {
            // An activity that stops makes current what was so when it began, also on a thread that has nothing to do with it.
            Activity.Current = current;
        }
    }

    private static Activity? Start(LiveSpan span, Activity? parent, Activity? current)
    {
        // One that has stopped cannot be current again, but is a parent all the same.
        var stopped = parent is { IsStopped: true } ? parent.Context : default;
        if (stopped == default && !ReferenceEquals(parent, current))
        {
            Activity.Current = parent;
        }

        try
        {
            return Source.StartActivity(MirrorFacts.KindOf(span.SpanType), stopped, MirrorFacts.AtStart(span), links: null, UnixNano.ToTime(span.StartNs), span.Name);
        }
        finally
        {
            Activity.Current = current;
        }
    }

    /// <summary>The program's own current activity where it is below the double of the span's parent, or there is none; else that double.</summary>
    private static Activity? ParentOf(LiveSpan span, Activity? current)
    {
        // What HttpClient starts for a request is beside the span of that call, which may take several. Of those that exist only for us nobody else knows.
        while (current is not null && (current.OperationName == "System.Net.Http.HttpRequestOut" || AdoptedActivity.IsOursAlone(current)))
        {
            current = current.Parent;
        }

        for (var parent = span.Parent; parent is not null; parent = parent.Parent)
        {
            if (ActivityOf(parent) is { } mirror)
            {
                return IsWithin(current, mirror) ? current : mirror;
            }
        }

        return current;
    }

    private static bool IsWithin(Activity? activity, Activity outer)
    {
        for (; activity is not null; activity = activity.Parent)
        {
            if (ReferenceEquals(activity, outer))
            {
                return true;
            }
        }

        return false;
    }

    private void Leave()
    {
        if (ReferenceEquals(Activity.Current, _activity))
        {
            while (_outer is { IsStopped: true })
            {
                _outer = _outer.Parent;
            }

            Activity.Current = _outer;
        }
    }
}
