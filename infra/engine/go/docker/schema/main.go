// schema writes the plugin's Pulumi schema to standard output. It is a program of its own so
// that the plugin does not carry the code generators, which would double its size.
package main

import (
	"encoding/json"
	"io"
	"log"
	"os"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfgen"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/terraform-providers/terraform-provider-docker/hanoi/bridge"
)

func main() {
	empty, err := os.MkdirTemp("", "hanoi-schema-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(empty)
	info := bridge.Provider()
	info.UpstreamRepoPath = empty // no documentation pages: only names and types are needed
	result, err := tfgen.GenerateSchemaWithOptions(tfgen.GenerateSchemaOptions{
		ProviderInfo:    info,
		DiagnosticsSink: diag.DefaultSink(io.Discard, os.Stderr, diag.FormatOptions{Color: colors.Never}),
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result.PackageSpec); err != nil {
		log.Fatal(err)
	}
}
