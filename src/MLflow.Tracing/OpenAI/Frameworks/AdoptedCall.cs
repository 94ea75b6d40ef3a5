using System.Diagnostics;

namespace MLflow;

/// <summary>The span of an activity that looks like a model call.</summary>
internal sealed class AdoptedCall : CallScope
{
    private readonly Activity _activity;

    public AdoptedCall(LiveSpan span, Activity activity)
        : base(span) => _activity = activity;

    /// <summary>Agent Framework starts an agent's activity as a model call and renames it right afterwards.</summary>
    protected override bool OwnsCalls => FrameworkActivities.KindOf(_activity) != ActivityKinds.Agent;
}
