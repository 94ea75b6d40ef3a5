using System.Collections.Concurrent;
using System.Diagnostics;

namespace MLflow;

/// <summary>What we know of an activity of a GenAI framework. It hangs on the activity itself, where nobody else looks.</summary>
internal sealed class AdoptedActivity
{
    private const string Property = "mlflow.adopted";
    private const string ProbeVersion = "mlflow.probe";

    // Bounded: sources of frameworks.
    private static readonly ConcurrentDictionary<string, ActivitySource> Probes = new();

    private AdoptedActivity(Activity activity, LiveSpan? span, bool hasSpan)
    {
        Span = span;
        HasSpan = hasSpan;
        activity.SetCustomProperty(Property, this);
    }

    /// <summary>The span below which spans of the activity's work belong: its own, or that of the activity around it. Null: neither has one.</summary>
    public LiveSpan? Span { get; }

    /// <summary>True when <see cref="Span"/> was made of this activity.</summary>
    public bool HasSpan { get; }

    /// <summary>The current span before this one.</summary>
    public LiveSpan? Previous { get; set; }

    public static AdoptedActivity? Of(Activity activity) => activity.GetCustomProperty(Property) as AdoptedActivity;

    public static AdoptedActivity WithSpan(Activity activity, LiveSpan span) => new(activity, span, hasSpan: true);

    public static AdoptedActivity Within(Activity activity, LiveSpan? around) => new(activity, around, hasSpan: false);

    /// <summary>
    /// True for an activity that exists only because we listen: nobody exports it. Were it the current one, requests of the program would name it in
    /// <c>traceparent</c>, and the program's own spans would be its children and, as it is not recorded, be dropped by their sampler.
    /// </summary>
    public static bool IsOursAlone(Activity activity) => Of(activity) is not null && !IsHeardByOthers(activity);

    /// <summary>
    /// True for an activity that somebody else records. Its flag alone does not say so: below an activity that is recorded it is set for whoever listens. Who listens by the
    /// source's name listens to a second source of that name as well, to which we do not.
    /// </summary>
    public static bool IsHeardByOthers(Activity activity) => activity.Recorded && Probes.GetOrAdd(activity.Source.Name, static name => new ActivitySource(name, ProbeVersion)).HasListeners();

    /// <summary>True for the source of our own by which <see cref="IsHeardByOthers"/> finds out.</summary>
    public static bool IsProbe(ActivitySource source) => source.Version == ProbeVersion;
}
