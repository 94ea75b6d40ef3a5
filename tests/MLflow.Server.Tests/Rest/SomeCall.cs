namespace MLflow.Server.Tests.Rest;

/// <summary>A call with a body that is right.</summary>
/// <param name="Method">The verb.</param>
/// <param name="Path">With <c>{trace}</c>, <c>{run}</c> and <c>{assessment}</c> for ids that exist.</param>
/// <param name="Body">The JSON of the request.</param>
/// <param name="Required">Fields without which it is wrong, nested ones with dots.</param>
/// <param name="Shape">Of its answer, see <see cref="Golden.WireShape"/>.</param>
public sealed record SomeCall(string Method, string Path, string Body, string[] Required, string Shape)
{
    public override string ToString() => $"{Method} {Path}";
}
