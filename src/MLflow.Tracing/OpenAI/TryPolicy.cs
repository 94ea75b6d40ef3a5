using System.ClientModel.Primitives;

namespace MLflow;

/// <summary>Stands around one try of a call that <see cref="CallPolicy"/> has begun, and records it where HttpClient's diagnostics do not see it.</summary>
internal sealed class TryPolicy : PipelinePolicy
{
    private readonly Func<HttpCapture?> _capture;

    public TryPolicy(Func<HttpCapture?> capture) => _capture = capture;

    public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
    {
        var attempt = Begin(message);
        try
        {
            ProcessNext(message, pipeline, currentIndex);
        }
        catch (Exception e) when (End(attempt, null, e))
        {
            throw;
        }

        End(attempt, message.Response, null);
    }

    public override async ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
    {
        var attempt = Begin(message);
        try
        {
            await ProcessNextAsync(message, pipeline, currentIndex).ConfigureAwait(false);
        }
        catch (Exception e) when (End(attempt, null, e))
        {
            throw;
        }

        End(attempt, message.Response, null);
    }

    /// <summary>Also a filter, which never catches.</summary>
    private static bool End(LlmAttempt? attempt, PipelineResponse? response, Exception? exception)
    {
        try
        {
            if (attempt is not null)
            {
                HttpCapture.Tried(attempt, response, exception);
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Nothing of ours is in the response's way that would tell its end.
            attempt!.EndBody(BodyEnd.Detached, null);
            attempt.Call.Capture.Failed(e);
        }

        return false;
    }

    private LlmAttempt? Begin(PipelineMessage message)
    {
        HttpCapture? capture = null;
        try
        {
            capture = _capture();
            if (capture?.Held is not { PolicyAttempt: null } call || !ReferenceEquals(message.Request.Content, call.SentContent))
            {
                return null;
            }

            return call.PolicyAttempt = call.NewAttempt(capture.Clock.GetTimestamp());
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            capture?.Failed(e);
            return null;
        }
    }
}
