using System.ClientModel.Primitives;

namespace MLflow;

/// <summary>Stands around all tries of a call in a client's pipeline, and so knows the call exactly, whatever its transport is.</summary>
internal sealed class CallPolicy : PipelinePolicy
{
    private readonly Func<HttpCapture?> _capture;

    public CallPolicy(Func<HttpCapture?> capture) => _capture = capture;

    public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
    {
        var (capture, outer, call) = Hold(message, isAsync: false);
        if (call is null)
        {
            ProcessNext(message, pipeline, currentIndex);
            return;
        }

        Exception? exception = null;
        try
        {
            ProcessNext(message, pipeline, currentIndex);
        }
        catch (Exception e) when (Note(e, out exception))
        {
            throw;
        }
        finally
        {
            Release(capture!, call, outer, message, exception);
        }
    }

    public override async ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
    {
        var (capture, outer, call) = Hold(message, isAsync: true);
        if (call is null)
        {
            await ProcessNextAsync(message, pipeline, currentIndex).ConfigureAwait(false);
            return;
        }

        Exception? exception = null;
        try
        {
            await ProcessNextAsync(message, pipeline, currentIndex).ConfigureAwait(false);
        }
        catch (Exception e) when (Note(e, out exception))
        {
            throw;
        }
        finally
        {
            Release(capture!, call, outer, message, exception);
        }
    }

    /// <summary>A filter that never catches.</summary>
    private static bool Note(Exception passing, out Exception? noted)
    {
        noted = passing;
        return false;
    }

    private static void Release(HttpCapture capture, LlmCall call, LlmCall? outer, PipelineMessage message, Exception? exception)
    {
        try
        {
            capture.Release(call, outer, message.Request, exception);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            capture.Failed(e);
        }
    }

    private (HttpCapture? Capture, LlmCall? Outer, LlmCall? Call) Hold(PipelineMessage message, bool isAsync)
    {
        HttpCapture? capture = null;
        try
        {
            capture = _capture();
            var outer = capture?.Held;
            return (capture, outer, capture?.Hold(message.Request, isAsync));
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            capture?.Failed(e);
            return default;
        }
    }
}
