using System.Reflection;
using System.Text.Json.Nodes;
using MLflow.EndToEnd.Tests.Cli;
using MLflow.EndToEnd.Tests.Repository;
using Xunit;

namespace MLflow.EndToEnd.Tests.Packages;

/// <summary>The packages, packed once, and folders outside the repository for projects that get them from there.</summary>
public sealed class PackedPackages : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();

    // Where this repository gets packages from, and the version of ours: they may not be somebody else's of the same name.
    private string _sources = "";
    private string _version = "";

    /// <summary>The folder that holds the packages.</summary>
    public string Source => Path.Combine(_folder.Path, "packed");

    private static string Configuration => typeof(PackedPackages).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;

    private static string Restored => Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } packages
        ? packages
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    public async ValueTask InitializeAsync()
    {
        // What this test project references is built: packing takes it as it is.
        foreach (var project in (string[])["MLflow.Tracing", "MLflow.Extensions.AI", "MLflow.AspNetCore", "MLflow.Server", "MLflow.Cli"])
        {
            await RunAsync(RepositoryFiles.Root(), "pack", Path.Combine("src", project), "-c", Configuration, "--no-build", "-o", Source, "-nodeReuse:false");
        }

        var tracing = Path.Combine(Source, "MLflow.Tracing.");
        _version = Path.ChangeExtension(Directory.GetFiles(Source, "MLflow.Tracing.*.nupkg").Single(), null)[tracing.Length..];
        var listed = await RunAsync(RepositoryFiles.Root(), "nuget", "list", "source", "--format", "short");
        _sources = string.Join(';', listed.Split('\n').Where(line => line.StartsWith("E ", StringComparison.Ordinal)).Select(line => line[2..].Trim()).Prepend(Source));
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Writes a program that references a package, restores it from the packed folder, and runs it. The version of our own is <c>*</c>.</summary>
    /// <returns>What it wrote.</returns>
    public Task<string> RunProgramAsync(string name, string references, string program, params (string Name, string Value)[] environment) =>
        RunProgramAsync(name, "Microsoft.NET.Sdk", references, program, environment);

    public async Task<string> RunProgramAsync(string name, string sdk, string references, string program, params (string Name, string Value)[] environment) =>
        await RunAsync(await WriteProgramAsync(name, sdk, references, program), ["run", "-nodeReuse:false", "-p:UseSharedCompilation=false"], environment);

    /// <summary>Publishes a program as a native binary, with warnings as errors, and runs it. Skips the test where there is no native compiler.</summary>
    public async Task<string> RunNativeProgramAsync(string name, string references, string program, params (string Name, string Value)[] environment)
    {
        var paths = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        Assert.SkipUnless(OperatingSystem.IsLinux() && paths.Any(path => File.Exists(Path.Combine(path, "clang")) || File.Exists(Path.Combine(path, "gcc"))), "There is no clang or gcc to link with.");
        Assert.SkipUnless(Directory.Exists(Path.Combine(Restored, "microsoft.dotnet.ilcompiler")), "The native compiler was not restored; eng/aot-smoke.sh brings it.");
        var folder = await WriteProgramAsync(name, "Microsoft.NET.Sdk", references, program);
        var published = Path.Combine(folder, "published");
        await RunAsync(
            folder, "publish", "-o", published, "--use-current-runtime", "-p:PublishAot=true", "-p:TreatWarningsAsErrors=true", "-nodeReuse:false", "-p:UseSharedCompilation=false");
        return await RunAsync(CliProcess.Of(Path.Combine(published, name), folder, environment), name);
    }

    /// <summary>All packages that come with one, as a project gets them that references it and nothing else.</summary>
    public async Task<IReadOnlyList<string>> BringsAsync(string package, string version)
    {
        var folder = await WriteProgramAsync("brings-" + package, "Microsoft.NET.Sdk", $"""<PackageReference Include="{package}" Version="{version}" />""", "");
        await RunAsync(folder, "restore", "-nodeReuse:false");
        var assets = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "obj", "project.assets.json")))!;
        return [.. assets["libraries"]!.AsObject().Select(library => library.Key.Split('/')[0]).Where(name => name != package).Order(StringComparer.Ordinal)];
    }

    private async Task<string> WriteProgramAsync(string name, string sdk, string references, string program)
    {
        var folder = Path.Combine(_folder.Path, name);
        Directory.CreateDirectory(folder);

        // Most of what the packages need was restored for this repository; the packages themselves do not get there.
        await File.WriteAllTextAsync(Path.Combine(folder, name + ".csproj"), $"""
            <Project Sdk="{sdk}">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <RestoreSources>{_sources}</RestoreSources>
                <RestorePackagesPath>{_folder.Path}/packages</RestorePackagesPath>
                <RestoreFallbackFolders>{Restored}</RestoreFallbackFolders>
              </PropertyGroup>
              <ItemGroup>{references.Replace("\"*\"", $"\"[{_version}]\"", StringComparison.Ordinal)}</ItemGroup>
            </Project>
            """);
        await File.WriteAllTextAsync(Path.Combine(folder, "Directory.Build.props"), "<Project />");
        await File.WriteAllTextAsync(Path.Combine(folder, "Directory.Build.targets"), "<Project />");
        await File.WriteAllTextAsync(Path.Combine(folder, "Program.cs"), program);
        return folder;
    }

    /// <summary>Installs the tool into a folder.</summary>
    /// <returns>Its command.</returns>
    public async Task<string> InstallToolAsync()
    {
        var folder = Path.Combine(_folder.Path, "tool");
        await RunAsync(
            _folder.Path,
            ["tool", "install", "MLflow.Tool", "--tool-path", folder, "--source", Source, "--no-http-cache"],
            [("NUGET_PACKAGES", Path.Combine(_folder.Path, "packages"))]);
        return Path.Combine(folder, OperatingSystem.IsWindows() ? "dotnet-mlflow.exe" : "dotnet-mlflow");
    }

    private static Task<string> RunAsync(string folder, params string[] arguments) => RunAsync(folder, arguments, []);

    private static async Task<string> RunAsync(string folder, string[] arguments, (string Name, string Value)[] environment)
    {
        return await RunAsync(
            CliProcess.DotNet(folder, arguments, [.. environment, ("DOTNET_CLI_UI_LANGUAGE", "en"), ("DOTNET_CLI_TELEMETRY_OPTOUT", "true")]), $"dotnet {string.Join(' ', arguments)}");
    }

    private static async Task<string> RunAsync(CliProcess started, string command)
    {
        await using var process = started;
        var exitCode = await process.WaitAsync(TestContext.Current.CancellationToken);
        Assert.True(exitCode == 0, $"{command} ended with {exitCode}:\n{process.Output}\n{process.Errors}");
        return process.Output;
    }
}
