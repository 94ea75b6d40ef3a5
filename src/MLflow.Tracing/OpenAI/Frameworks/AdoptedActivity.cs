using System.Diagnostics;

namespace MLflow;

/// <summary>What we know of an activity of a GenAI framework. It hangs on the activity itself, where nobody else looks.</summary>
internal sealed class AdoptedActivity
{
    private const string Property = "mlflow.adopted";

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
    public static bool IsOursAlone(Activity activity) => !activity.Recorded && Of(activity) is not null;
}
