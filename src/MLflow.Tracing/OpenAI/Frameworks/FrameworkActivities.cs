using System.Diagnostics;

namespace MLflow;

/// <summary>
/// Makes spans of the activities of GenAI frameworks: agents, tools, and calls of models that no other layer sees. Listens with the least that shows
/// the data: nothing is marked as recorded, and activities that exist only for us do not become the program's current one.
/// </summary>
internal sealed class FrameworkActivities : IDisposable
{
    // Also followed by a dot and more. "Experimental." before a name is ignored.
    private static readonly string[] Sources =
    [
        "Microsoft.Extensions.AI",
        "Microsoft.Agents.AI",
        "Microsoft.SemanticKernel",
        "OpenAI",
    ];

    private readonly Tracer _tracer;
    private readonly SelfLog _log;
    private readonly Lock _lock = new();
    private ActivityListener? _frameworks;
    private ActivityListener? _own;

    public FrameworkActivities(Tracer tracer, SelfLog log)
    {
        _tracer = tracer;
        _log = log;
    }

    /// <summary>A source for frameworks that ask the client which one to use. Only we listen to it.</summary>
    public ActivitySource Source { get; } = new("MLflow.Tracing.Frameworks");

    /// <summary>Listens to all frameworks. A second call has no effect.</summary>
    public void ListenToFrameworks()
    {
        lock (_lock)
        {
            _frameworks ??= Listen(static source => IsFramework(source.Name) && !AdoptedActivity.IsProbe(source));
        }
    }

    /// <summary>Listens to <see cref="Source"/>. A second call has no effect.</summary>
    public void ListenToSource()
    {
        lock (_lock)
        {
            _own ??= Listen(source => ReferenceEquals(source, Source));
        }
    }

    /// <summary>Stops listening to the frameworks. What is under way still gets its end.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _frameworks?.Dispose();
            _frameworks = null;
            if (_own is null)
            {
                Activity.CurrentChanged -= OnCurrentChanged;
            }
        }
    }

    /// <summary>By its name, which is all that is known of it at its start, and may change afterwards.</summary>
    public static ActivityKinds KindOf(Activity activity)
    {
        var name = activity.DisplayName.AsSpan();
        var space = name.IndexOf(' ');
        return (space < 0 ? name : name[..space]) switch
        {
            "chat" or "text_completion" or "text_completions" or "generate_content" => ActivityKinds.Model,
            "embeddings" => ActivityKinds.Embedding,
            "execute_tool" => ActivityKinds.Tool,
            "invoke_agent" => ActivityKinds.Agent,
            _ => ActivityKinds.None,
        };
    }

    private static bool IsFramework(string source)
    {
        const string Experimental = "Experimental.";
        var name = source.StartsWith(Experimental, StringComparison.Ordinal) ? source.AsSpan(Experimental.Length) : source;
        foreach (var known in Sources)
        {
            if (name.StartsWith(known) && (name.Length == known.Length || name[known.Length] == '.'))
            {
                return true;
            }
        }

        return false;
    }

    private ActivityListener Listen(Func<ActivitySource, bool> filter)
    {
        if (_frameworks is null && _own is null)
        {
            Activity.CurrentChanged += OnCurrentChanged;
        }

        var listener = new ActivityListener
        {
            ShouldListenTo = filter,

            // More would set the flag that tells others in traceparent that this trace is recorded.
            Sample = static (ref _) => ActivitySamplingResult.AllData,
            SampleUsingParentId = static (ref _) => ActivitySamplingResult.AllData,
            ActivityStarted = OnStarted,
            ActivityStopped = OnStopped,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    private void OnStarted(Activity activity)
    {
        try
        {
            Start(activity);
            Hide(activity);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Failed(e);
        }
    }

    /// <summary>Streams lose what flows with them at every step, so frameworks make their activity current again: the sign that its work goes on.</summary>
    private void OnCurrentChanged(object? sender, ActivityChangedEventArgs e)
    {
        try
        {
            if (e.Current is { IsStopped: false } activity && AdoptedActivity.Of(activity) is { } adopted)
            {
                if (adopted.Span is { } span && ReferenceEquals(span.Trace.Tracer, _tracer))
                {
                    _tracer.Exchange(span);
                }

                Hide(activity);
            }
        }
        catch (Exception ours) when (ours is not OutOfMemoryException)
        {
            Failed(ours);
        }
    }

    private void OnStopped(Activity activity)
    {
        try
        {
            if (AdoptedActivity.Of(activity) is { HasSpan: true, Span: { } span } adopted && ReferenceEquals(span.Trace.Tracer, _tracer))
            {
                Stop(activity, span);
                _tracer.Leave(span, adopted.Previous);
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Failed(e);
        }
    }

    private void Start(Activity activity)
    {
        var parent = _tracer.Current;
        var kind = KindOf(activity);
        var isCall = kind is ActivityKinds.Model or ActivityKinds.Embedding;
        if (kind == ActivityKinds.None || (isCall && parent?.Call is { IsWaiting: true }))
        {
            // Of several layers that report one call, the outermost has the span.
            AdoptedActivity.Within(activity, parent);
            return;
        }

        var span = _tracer.StartDetached(activity.DisplayName, ActivityFacts.SpanTypeOf(kind), parent, madeOf: activity);
        if (isCall)
        {
            _ = new AdoptedCall(span, activity);
        }

        AdoptedActivity.WithSpan(activity, span).Previous = _tracer.Exchange(span);
    }

    private static void Stop(Activity activity, LiveSpan span)
    {
        if (span.Call is { } call && call.End(null))
        {
            return;
        }

        ActivityFacts.Record(span, activity, KindOf(activity));
        span.End();
    }

    /// <summary>An activity that exists only for us gives its place back to the program's own.</summary>
    private static void Hide(Activity activity)
    {
        if (!AdoptedActivity.IsOursAlone(activity) || MustStayCurrent(activity))
        {
            return;
        }

        var own = activity.Parent;
        while (own is not null && AdoptedActivity.IsOursAlone(own))
        {
            own = own.Parent;
        }

        Activity.Current = own;
    }

    /// <summary>Agent Framework looks for its own activity in <see cref="Activity.Current"/>, to make an agent's of it.</summary>
    private static bool MustStayCurrent(Activity activity) =>
        activity.Source.Name.EndsWith("Microsoft.Agents.AI", StringComparison.Ordinal) && KindOf(activity) == ActivityKinds.Model;

    private void Failed(Exception exception) =>
        _log.Warn("framework-activity", $"A framework's activity was not traced as it should be: {exception.GetType().Name}: {exception.Message}");
}
