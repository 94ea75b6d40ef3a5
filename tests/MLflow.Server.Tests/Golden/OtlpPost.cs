namespace MLflow.Server.Tests.Golden;

/// <summary>The body of one request, decompressed.</summary>
internal sealed record OtlpPost(string Path, byte[] Body, string ContentType);
