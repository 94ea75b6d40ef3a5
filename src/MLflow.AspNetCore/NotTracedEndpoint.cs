namespace MLflow;

/// <summary>Marks an endpoint whose requests are not traced.</summary>
internal sealed class NotTracedEndpoint
{
    public static readonly NotTracedEndpoint Instance = new();
}
