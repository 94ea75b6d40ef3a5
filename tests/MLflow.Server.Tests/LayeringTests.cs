using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;
using Xunit;

namespace MLflow.Server.Tests;

/// <summary>Who may know whom within the server.</summary>
public sealed partial class LayeringTests
{
    [Fact]
    public void Database_IsKnownToStorageAlone() =>
        Assert.Empty(Sources().Where(source => !source.Folder.StartsWith("Storage", StringComparison.Ordinal) && Database().IsMatch(source.Text)).Select(source => source.Name));

    [Fact]
    public void Storage_KnowsNoHttpAndNoUi() =>
        Assert.Empty(Sources().Where(source => source.Folder.StartsWith("Storage", StringComparison.Ordinal) && Http().IsMatch(source.Text)).Select(source => source.Name));

    [Fact]
    public void Rooms_BelowRestAndOtlp_KnowNeither() =>
        Assert.Empty(Sources().Where(source => source.Folder is "Traces" or "Experiments" or "Assessments" && (Http().IsMatch(source.Text) || UpperRooms().IsMatch(source.Text))).Select(source => source.Name));

    [Fact]
    public void Tools_KnowNothingThatWrites() =>
        Assert.Empty(Sources().Where(source => source.Folder == "Mcp" && (source.Name is "StoreToolSource.cs" ? Writing().IsMatch(source.Text) : source.Name is not "McpEndpoints.cs" && Stores().IsMatch(source.Text))).Select(source => source.Name));

    [Fact]
    public void Server_KnowsOfTheSdkWhatTheArchitectureSays()
    {
        using var assembly = new PEReader(File.OpenRead(typeof(MlflowServer).Assembly.Location));
        var metadata = assembly.GetMetadataReader();
        var used = metadata.TypeReferences.Select(metadata.GetTypeReference)
            .Where(type => type.ResolutionScope.Kind == HandleKind.AssemblyReference
                && metadata.GetString(metadata.GetAssemblyReference((AssemblyReferenceHandle)type.ResolutionScope).Name) == "MLflow.Tracing")
            .Select(type => metadata.GetString(type.Name)).ToList();
        var said = File.ReadAllLines(Path.Combine(Root(), "docs", "architecture.md")).Single(line => line.Contains("Of the SDK the server knows", StringComparison.Ordinal));

        Assert.NotEmpty(used);
        Assert.All(used, type => Assert.Contains($"`{type}`", said, StringComparison.Ordinal));
    }

    [Fact]
    public void Sources_AreFound() => Assert.True(Sources().Count > 50);

    private static List<(string Folder, string Name, string Text)> Sources()
    {
        var root = Path.Combine(Root(), "src", "MLflow.Server");
        return [.. Directory.GetFiles(root, "*.cs", SearchOption.AllDirectories)
            .Select(file => (Path.GetRelativePath(root, Path.GetDirectoryName(file)!), Path.GetFileName(file), File.ReadAllText(file)))];
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "MLflow.slnx")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("The repository is not above the tests.");
        }

        return folder.FullName;
    }

    [GeneratedRegex(@"\bI(Trace|Experiment|Run|Assessment)Store\b|\bITraceAnalysis\b")]
    private static partial Regex Stores();

    [GeneratedRegex(@"\.(Write|Create|Update|Delete|Set|Rename|Link|Log|Remap)\w*Async\(")]
    private static partial Regex Writing();

    [GeneratedRegex(@"System\.Data\b|Microsoft\.Data\.Sqlite|Npgsql|DbConnection|SqliteConnection|\bDapper\b|SQLitePCL")]
    private static partial Regex Database();

    [GeneratedRegex(@"Microsoft\.AspNetCore|\bHttp(Context|Request|Response|Methods)\b|\bStatusCodes\b|\bIResult\b|\bWebApplication\b|MLflow\.Server\.(Ui|Rest|Otlp|Mcp)\b")]
    private static partial Regex Http();

    [GeneratedRegex(@"MLflow\.Server\.(Ui|Rest|Otlp|Mcp|Hosting|Storage\.Sqlite)\b")]
    private static partial Regex UpperRooms();
}
