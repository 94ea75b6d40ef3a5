namespace MLflow.Server.Conventions;

/// <summary>What tokens are counted; the parts of the input are within it, as are those of the output, unless <see cref="TokenUsage"/> finds that they are beside it.</summary>
internal enum UsagePart
{
    Input,
    Output,
    Total,
    CacheRead,
    CacheWrite,
    InputAudio,
    Reasoning,
    OutputAudio,
}
